"""Where every bit goes, and the floors below which no code of an alphabet gets.

A floor is the order-0 entropy of a named alphabet, per weight (Shannon, 1948).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.records import Size

if TYPE_CHECKING:
    from meadow_py._core import Chunks, StreamInfo
    from meadow_py.blobs import BlobInfo

HUFFMAN_LENGTH_BITS = 8  # one byte for the length of each symbol's code

# Bytes of a blob's head, and of the fields inside its tiles that hold sizes; see docs/format.md.
_HEAD, _HEAD_PLANE, _HEAD_TILE, _HEAD_CHECKSUM = 72, 8, 12, 8
_PLANE_SIZE = 4  # per Huffman or rANS plane in a tile
_STREAM_SIZES = 2 * 5  # per Huffman plane in a tile: the sizes of all its streams but the last


@dataclass(frozen=True)
class Ledger:
    """The size of one stored weight in bits, part by part. Nothing is left out.

    Attributes
    ----------
    codes : int
        Codes stored as they are (the dense form), or coded by an entropy coder.
    dictionary : int
        The distinct chunks (MEADOW: unique matrix).
    indices : int
        The chunk indices.
    modes : int
        Mode bits, which name the index width of each packet.
    tables : int
        Code tables of an entropy coder, and the row and column bases of scaled floats.
    header : int
        Header, tile index, checksums and sizes of streams.
    padding : int
        Bits that fill up to whole bytes and aligned parts.
    scales, zero_points : int
        Side information of the quantiser.
    """

    codes: Size = 0
    dictionary: Size = 0
    indices: Size = 0
    modes: Size = 0
    tables: Size = 0
    header: Size = 0
    padding: Size = 0
    scales: Size = 0
    zero_points: Size = 0

    @property
    def total(self) -> int:
        """The sum of all parts, in bits."""
        return sum(vars(self).values())

    def per_weight(self, count: int) -> float:
        """Bits per weight of a matrix with `count` weights, everything counted.

        Parameters
        ----------
        count : int
            Number of weights in the matrix.

        Returns
        -------
        float
        """
        return self.total / count

    def to_dict(self) -> dict[str, int]:
        """The parts by name.

        Returns
        -------
        dict of str to int
            Bits of every part.
        """
        return dict(vars(self))


def dense_ledger(count: int, bits: int, scales: int = 0, zero_points: int = 0) -> Ledger:
    """The ledger of codes that are stored as they are.

    Parameters
    ----------
    count : int
        Number of codes.
    bits : int
        Bits per code.
    scales, zero_points : int
        Bits of side information stored beside the codes.

    Returns
    -------
    Ledger
    """
    return Ledger(codes=count * bits, scales=scales, zero_points=zero_points)


def plain_huffman_ledger(counts: npt.NDArray[Any], scales: int = 0, zero_points: int = 0) -> Ledger:
    """The ledger of codes under one Huffman code of single codes, computed from their counts.

    The table of a canonical code holds the length of every symbol's code, one byte each. The codes
    are as long as D. A. Huffman's construction (1952) makes them, without a limit; if only one
    symbol occurs, it takes one bit.

    Parameters
    ----------
    counts : ndarray, shape (2**bits,)
        Occurrences of every code.
    scales, zero_points : int
        Bits of side information stored beside the codes.

    Returns
    -------
    Ledger
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
    """The ledger of a coded stream.

    Parameters
    ----------
    info : StreamInfo
        From `meadow_py.codecs.stream_info`.
    scales, zero_points : int
        Bits of side information stored beside the stream.

    Returns
    -------
    Ledger

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
    """The ledger of a blob.

    The streams of a blob end at whole bytes; the bits that fill them up are counted in `codes`.

    Parameters
    ----------
    info : BlobInfo
        From `meadow_py.blobs.layout`.
    scales, zero_points : int
        Bits of side information stored beside the blob.

    Returns
    -------
    Ledger

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
    """How often each code occurs.

    Parameters
    ----------
    codes : ndarray, shape (out, in)
        Integers of 8 or 16 bits; of signed ones the low `bits` bits count.
    bits : int
        Bits per code, at most 16.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    ndarray of uint64, shape (2**bits,)
        Occurrences of each bit pattern.
    """
    from meadow_py import _core

    return _core.symbol_counts(codes, bits, threads)


def symbol_floor(counts: npt.NDArray[np.uint64]) -> float:
    """Entropy of single codes.

    Parameters
    ----------
    counts : ndarray
        Occurrences of every code, as `symbol_counts` returns them.

    Returns
    -------
    float
        Bits per weight.
    """
    from meadow_py import _core

    return _core.entropy(counts)


def chunk_floor(chunks: Chunks, count: int) -> float:
    """Entropy of whole chunks.

    With few chunks per distinct chunk this flatters, because the dictionary is not counted.

    Parameters
    ----------
    chunks : Chunks
        The chunks of a matrix: ``CodeMatrix(...).chunks``.
    count : int
        Number of weights in the matrix.

    Returns
    -------
    float
        Bits per weight.
    """
    return chunks.entropy() * chunks.count / count


def index_only(chunks: Chunks, count: int) -> float:
    """Size of fixed-width indices alone; the dictionary is not counted.

    Parameters
    ----------
    chunks : Chunks
        The chunks of a matrix: ``CodeMatrix(...).chunks``.
    count : int
        Number of weights in the matrix.

    Returns
    -------
    float
        Bits per weight.
    """
    return (chunks.unique - 1).bit_length() * chunks.count / count


def fields_floor(values: npt.NDArray[Any], dtype: str, threads: int = 0) -> float | None:
    """Entropy of stored floats whose sign, exponent and mantissa are coded separately.

    The mantissa of F32 is coded in slices of 7, 8 and 8 bits.

    Parameters
    ----------
    values : ndarray
        The stored values; 16-bit and 8-bit floats may be bit patterns.
    dtype : str
        Their dtype, such as ``"BF16"``.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    float or None
        Bits per weight. None for a dtype whose fields are not counted here: F64, F8 formats other
        than F8_E4M3 and F8_E5M2, blocks of GGUF.
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
    """Entropy of whole stored values of up to 16 bits.

    F32 values that hold nothing more than 16-bit values are counted as those.

    Parameters
    ----------
    values : ndarray
        The stored values; 16-bit and 8-bit floats may be bit patterns.
    dtype, content_dtype : str
        Their dtype, and the narrowest dtype that holds every one of them.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    float or None
        Bits per weight. None for values that need more than 16 bits: a table of 2**32 values says
        nothing about a weight that has fewer.
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
    """The values one to one as bit patterns of 8 or 16 bits; None if they need more."""
    if dtype in ("F16", "BF16"):
        return values.view(np.uint16)
    if dtype.startswith("F8_"):
        return values.view(np.uint8)
    if dtype == "F32" and content_dtype == "BF16":
        high = 1 if sys.byteorder == "little" else 0  # BF16 is the more significant half
        return np.ascontiguousarray(values.view(np.uint16)[:, high::2])
    if dtype == "F32" and content_dtype == "F16":
        return values.astype(np.float16).view(np.uint16)
    return None
