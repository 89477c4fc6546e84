"""The bits of a stored weight, part by part: dense, under Huffman, as a stream, as a blob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.records import Size

if TYPE_CHECKING:
    from meadow_py._core import StreamInfo
    from meadow_py.blobs import BlobInfo

HUFFMAN_LENGTH_BITS = 8  # one byte for the length of each symbol's code


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
        From `meadow_py.blobs.info`.
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
    from meadow_py import _core

    entries = len(info.planes) * _core.BLOB_PLANE_BYTES + len(info.tiles) * _core.BLOB_TILE_BYTES
    fixed = _core.BLOB_FIXED_BYTES + entries + _core.BLOB_CHECKSUM_BYTES
    of_sizes = sum(_core.CODING_SIZE_BYTES[plane.coding] for plane in info.planes)
    inside = len(info.tiles) * of_sizes
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
