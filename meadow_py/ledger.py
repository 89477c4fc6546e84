"""Where every bit goes, and the floors that no code of an alphabet gets below.

A floor is the order-0 entropy of a named alphabet, per weight (Shannon, 1948).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from meadow_py._core import Chunks, StreamInfo
    from meadow_py.blobs import BlobInfo

HUFFMAN_LENGTH_BITS = 8  # one byte for the length of each symbol's code

# Bytes of a blob's head, and of what tells sizes inside of its tiles; see docs/format.md.
_HEAD, _HEAD_PLANE, _HEAD_TILE, _HEAD_CHECKSUM = 72, 8, 12, 8
_PLANE_SIZE = 4  # of a Huffman or rANS plane in a tile
_STREAM_SIZES = 2 * 5  # of all but the last stream of a Huffman plane in a tile


@dataclass(frozen=True)
class Ledger:
    """The size of one stored weight in bits, part by part. The parts are all there is.

    Attributes
    ----------
    codes : int
        Codes stored as they are (the dense form), or what an entropy coder makes of them.
    dictionary : int
        The distinct chunks (MEADOW: unique matrix).
    indices : int
        The chunk indices.
    modes : int
        Mode bits, which name the index width of a packet.
    tables : int
        Code tables of an entropy coder, and the scales that it takes off exponents.
    header : int
        Header, tile index, checksums, sizes of streams.
    padding : int
        Up to whole bytes and aligned parts.
    scales, zero_points : int
        What the quantiser needs besides the codes.
    """

    codes: int = 0
    dictionary: int = 0
    indices: int = 0
    modes: int = 0
    tables: int = 0
    header: int = 0
    padding: int = 0
    scales: int = 0
    zero_points: int = 0

    @property
    def total(self) -> int:
        """All bits."""
        return sum(vars(self).values())

    def per_weight(self, count: int) -> float:
        """Bits per weight of a matrix with `count` weights, everything counted."""
        return self.total / count

    def to_dict(self) -> dict[str, int]:
        """The parts by name."""
        return dict(vars(self))


def dense_ledger(count: int, bits: int, scales: int = 0, zero_points: int = 0) -> Ledger:
    """`count` codes of `bits` each, stored as they are."""
    return Ledger(codes=count * bits, scales=scales, zero_points=zero_points)


def plain_huffman_ledger(counts: npt.NDArray[Any], scales: int = 0, zero_points: int = 0) -> Ledger:
    """Codes under one Huffman code of single codes, computed from how often each occurs.

    The table of a canonical code is the length of every symbol's code, a byte each. Codes are as
    long as D. A. Huffman's construction (1952) makes them, without a limit; where only one symbol
    occurs, it takes one bit.

    Parameters
    ----------
    counts : ndarray, shape (2**bits,)
        Occurrences of every code.
    """
    from meadow_py import _core

    lengths = _core.huffman_lengths(np.ascontiguousarray(counts, np.uint64))
    return Ledger(
        codes=int(lengths @ counts.astype(np.uint64)),
        tables=counts.size * HUFFMAN_LENGTH_BITS,
        scales=scales,
        zero_points=zero_points,
    )


def stream_ledger(info: StreamInfo, scales: int = 0, zero_points: int = 0) -> Ledger:
    """A coded stream, and the scales and zero points that are stored beside it.

    Raises
    ------
    RuntimeError
        If the parts do not add up to the bytes of the stream: a bug of this library.
    """
    ledger = Ledger(
        dictionary=info["dictionary_bits"],
        indices=info["index_payload_bits"],
        modes=info["mode_payload_bits"],
        header=info["header_bits"],
        padding=info["padding_bits"],
        scales=scales,
        zero_points=zero_points,
    )
    coded = ledger.total - scales - zero_points
    if coded != info["bytes"] * 8:
        raise RuntimeError(f"a stream of {info['bytes'] * 8} bits accounts for {coded} of them")
    return ledger


def blob_ledger(info: BlobInfo, scales: int = 0, zero_points: int = 0) -> Ledger:
    """A blob, and the scales and zero points that are stored beside it.

    Its streams end at whole bytes; what that fills up is contained in `codes`.

    Raises
    ------
    RuntimeError
        If the parts do not add up to the bytes of the blob: a bug of this library.
    """
    coded = [plane.coding for plane in info.planes if plane.coding in ("huffman", "rans")]
    fixed = _HEAD + _HEAD_PLANE * len(info.planes) + _HEAD_TILE * len(info.tiles) + _HEAD_CHECKSUM
    of_streams = len(coded) * _PLANE_SIZE + coded.count("huffman") * _STREAM_SIZES
    inside = len(info.tiles) * of_streams
    tables = info.bytes - sum(info.tiles) - fixed
    of_planes = sum(plane.table_bytes for plane in info.planes)
    scaled = info.row_bases + info.column_bases > 0
    payload = sum(info.tiles) - inside
    if payload < 0 or (tables <= of_planes if scaled else tables != of_planes):
        raise RuntimeError(f"the head of a blob of {info.bytes} bytes does not add up")
    return Ledger(
        codes=8 * payload,
        tables=8 * tables,
        header=8 * (fixed + inside),
        scales=scales,
        zero_points=zero_points,
    )


def symbol_counts(codes: npt.NDArray[Any], bits: int, threads: int = 0) -> npt.NDArray[np.uint64]:
    """How often each code occurs, by its bit pattern: shape ``(2**bits,)``."""
    from meadow_py import _core

    return _core.symbol_counts(codes, bits, threads)


def symbol_floor(counts: npt.NDArray[np.uint64]) -> float:
    """Entropy of codes that occur so often, bits per weight."""
    from meadow_py import _core

    return _core.entropy(counts)


def chunk_floor(chunks: Chunks, count: int) -> float:
    """Entropy of whole chunks, bits per weight of a matrix with `count` weights.

    With few chunks per distinct chunk it flatters: the dictionary is not in it.
    """
    return chunks.entropy() * chunks.count / count


def index_only(chunks: Chunks, count: int) -> float:
    """Fixed-width indices alone, bits per weight: the dictionary is not counted."""
    return (chunks.unique - 1).bit_length() * chunks.count / count


def fields_floor(values: npt.NDArray[Any], dtype: str, threads: int = 0) -> float | None:
    """Entropy of sign, exponent and mantissa, each coded apart, bits per weight.

    The mantissa of F32 is coded in slices of 7, 8 and 8 bits. None for a dtype that has no such
    fields here: F64, other F8 formats, blocks of GGUF.
    """
    from meadow_py import _core

    pattern = _FIELD_PATTERNS.get(dtype)
    if pattern is None:
        return None
    counts = _core.field_counts(values.view(pattern), dtype, threads)
    return sum(_core.entropy(table) for table in counts)


def joint_floor(
    values: npt.NDArray[Any], dtype: str, content_dtype: str, threads: int = 0
) -> float | None:
    """Entropy of whole stored values of up to 16 bits, bits per weight.

    F32 values count as the 16-bit values they hold, where they hold nothing more; None where
    they do: a table of 2**32 values says nothing of a weight that has fewer.
    """
    from meadow_py import _core

    narrow = _narrowed(values, dtype, content_dtype)
    if narrow is None:
        return None
    return _core.entropy(_core.symbol_counts(narrow, narrow.dtype.itemsize * 8, threads))


_FIELD_PATTERNS = {
    "F32": np.uint32,
    "F16": np.uint16,
    "BF16": np.uint16,
    "F8_E4M3": np.uint8,
    "F8_E5M2": np.uint8,
}


def _narrowed(values: npt.NDArray[Any], dtype: str, content_dtype: str) -> npt.NDArray[Any] | None:
    """Bit patterns of 8 or 16 bits, one to one with the values; None if there are none."""
    if dtype in ("F16", "BF16"):
        return values.view(np.uint16)
    if dtype.startswith("F8_"):
        return values.view(np.uint8)
    if dtype == "F32" and content_dtype == "BF16":
        high = 1 if sys.byteorder == "little" else 0  # of an F32, BF16 is the more significant half
        return np.ascontiguousarray(values.view(np.uint16)[:, high::2])
    if dtype == "F32" and content_dtype == "F16":
        return values.astype(np.float16).view(np.uint16)
    return None
