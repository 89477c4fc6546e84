"""Coded streams: matrices of codes are packed into them, and decoded from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meadow_py.checks import check_flag, check_threads
from meadow_py.codecs.codec import CODECS, Along, CodeMatrix

if TYPE_CHECKING:
    import numpy.typing as npt

    from meadow_py._core import StreamInfo


def pack(
    codes: npt.NDArray[Any],
    codec: str = "reindexed",
    *,
    bits: int = 8,
    chunk: int = 2,
    along: Along = "in",
    verify: bool = True,
    threads: int = 0,
) -> bytes:
    """Pack integer codes losslessly into a coded stream.

    Parameters
    ----------
    codes : ndarray, shape (out, in)
        Integers of 8, 16 or 32 bits; see `CodeMatrix`.
    codec : {"naive", "packets", "reindexed"}
        ``"naive"`` stores a dictionary and indices of one width. ``"packets"`` stores the indices
        in packets with mode bits; it searches for the best packet length and widths.
        ``"reindexed"`` also gives frequent chunks small indices first.
    bits, chunk, along, threads
        As for `CodeMatrix`.
    verify : bool
        Decode the stream and compare every code before it is returned.

    Returns
    -------
    bytes
        The coded stream, which `decode` reads.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument has the wrong type, or the codes are no integers.
    """
    if codec not in CODECS:
        raise ValueError(f"codec {codec!r}: expected one of {', '.join(CODECS)}")
    verified = check_flag(verify, "verify")
    return CODECS[codec].pack(CodeMatrix(codes, bits, chunk, along, threads), verified)


def pack_dictionary(
    codes: npt.NDArray[Any],
    *,
    bits: int = 8,
    chunk: int = 2,
    along: Along = "in",
    verify: bool = True,
    threads: int = 0,
) -> bytes:
    """Pack as MEADOW's naive packing does: the dictionary, and indices of one fixed width.

    The same as `pack` with ``codec="naive"``.

    Parameters
    ----------
    codes, bits, chunk, along, verify, threads
        As for `pack`.

    Returns
    -------
    bytes
        The coded stream.

    Raises
    ------
    ValueError, TypeError
        As `pack`.
    """
    return pack(codes, "naive", bits=bits, chunk=chunk, along=along, verify=verify, threads=threads)


def pack_packets(
    codes: npt.NDArray[Any],
    *,
    bits: int = 8,
    chunk: int = 2,
    along: Along = "in",
    reindex: bool = True,
    packet_length: int = 0,
    widths: tuple[int, ...] = (),
    verify: bool = True,
    threads: int = 0,
) -> bytes:
    """Pack as MEADOW's packet packing does, with a given packet length and given index widths.

    Parameters
    ----------
    codes, bits, chunk, along, verify, threads
        As for `pack`.
    reindex : bool
        Give frequent chunks small indices first.
    packet_length : int
        Indices per packet; 0 searches for the best.
    widths : tuple of int
        Index widths in bits that mode bits choose from; empty searches for the best.

    Returns
    -------
    bytes
        The coded stream.

    Raises
    ------
    ValueError, TypeError
        As `pack`; also if the packet length or the widths cannot be used.
    """
    flags = check_flag(reindex, "reindex"), check_flag(verify, "verify")
    matrix = CodeMatrix(codes, bits, chunk, along, threads)
    return matrix.chunks.pack_packets(flags[0], packet_length, tuple(widths), flags[1])


def decode(stream: bytes, threads: int = 0) -> npt.NDArray[Any]:
    """Decode a coded stream, bit for bit.

    Parameters
    ----------
    stream : bytes
        What `pack` returned.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    ndarray, shape (out, in)
        The codes, in the narrowest integer type of their signedness that holds their bits.

    Raises
    ------
    FormatError
        If the stream is truncated, corrupt, or newer than this library.
    """
    from meadow_py import _core

    return _core.decode(stream, check_threads(threads))


def stream_info(stream: bytes, threads: int = 0) -> StreamInfo:
    """Describe a coded stream. Its sizes in bits add up to all of its bytes.

    Parameters
    ----------
    stream : bytes
        What `pack` returned.
    threads : int
        Number of threads; 0 means all cores.

    Returns
    -------
    StreamInfo
        A dict of its settings and of the sizes of its parts in bits.

    Raises
    ------
    FormatError
        If the stream is truncated, corrupt, or newer than this library.
    """
    from meadow_py import _core

    return _core.stream_info(stream, check_threads(threads))
