"""Encoding tensors as blobs, and decoding them; the buffers that callers pass."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.blobs import planes
from meadow_py.blobs.layout import (
    ELEMENT_BYTES,
    FLOATS,
    BlobInfo,
    Layout,
    PlaneInfo,
    groups_layout,
    layout_of,
)
from meadow_py.checks import check_threads

Bytes = npt.NDArray[np.uint8]

# Codecs as users name them, and as the core does. That of planes is for tensors they do not hold.
CODECS = {
    "auto": "balanced",
    "fast": "fast",
    "small": "small",
    "huffman": "huffman",
    "raw": "raw",
    planes.CODEC: "balanced",
}

_LONGEST_DTYPE = 16


def encode(
    raw: Any,
    dtype: str,
    shape: Sequence[int],
    *,
    codec: str = "auto",
    groups: Sequence[int] | None = None,
    threads: int = 0,
) -> Bytes:
    """Code the stored bytes of one tensor losslessly.

    Parameters
    ----------
    raw : bytes-like
        The stored bytes, contiguous. They may be read-only and unaligned, as in mapped files.
    dtype : str
        As in safetensors (``"BF16"``) or GGUF (``"Q4_0"``). Unknown dtypes are coded as bytes.
    shape : sequence of int
        Shape of the tensor, row-major; its last dimension is the length of a row.
    codec : {"auto", "fast", "small", "huffman", "raw", "planes"}
        ``auto``: exponents of floats relative to the scales of rows and columns, Huffman coded, and
        for everything else a coder whose result is close to the smallest. Weights after simulated
        quantisation, whose groups have few distinct values, are coded as such. ``fast``: exponents
        without scales, which decodes fastest. ``small``: rANS wherever it is smaller. ``huffman``:
        Huffman or raw bits everywhere, as Huff-LLM's decoders read them. ``raw``: no coder.
        ``planes``: the runtime codec for matrices of floats that BF16 holds, at about 12 bits per
        weight; products read it directly from a mapped file. Other dtypes and numbers of
        dimensions, and matrices that planes would not make smaller than BF16, are coded as with
        ``auto``.
    groups : sequence of int, optional
        Widths of the bit groups of an element of 1, 2, 4 or 8 bytes, highest bits first, with one
        code for each group as in Huff-LLM: ``(1, 8, 7)`` for BF16. Only with ``codec="huffman"``.
    threads : int
        0 means all cores. No byte of the result depends on it.

    Returns
    -------
    ndarray of uint8, 1-D
        The blob; see `decode` and `info`.

    Raises
    ------
    ValueError
        For an unknown codec, for groups that do not fit the dtype, and if the size of `raw` does
        not match floats of this `shape`.
    TypeError
        If `raw` is not a contiguous buffer of bytes, `dtype` is not a string, or `shape` or
        `groups` hold anything but integers.
    """
    from meadow_py import _core

    effort = _effort(codec)
    threads = check_threads(threads)
    data, named = flat(raw, "raw"), _name(dtype)
    columns = _columns(dtype, shape, data.size)
    if codec == planes.CODEC and groups is None:
        made = planes.encode(data, dtype, _integers(shape, "shape"), threads)
        if made is not None:
            return made
    if groups is not None:
        layout = _groups(dtype, groups, codec)
    elif dtype in FLOATS and codec not in ("huffman", "raw"):
        return _core.encode_floats(data, dtype, columns, effort, threads)
    elif dtype in FLOATS:
        layout = groups_layout(*_FLOAT_GROUPS[dtype])
    else:
        layout = layout_of(dtype, data.size)
    return _core.encode_records(data, named, *layout, effort, threads)


# Bytes of an element, and its sign, exponent and slices of the mantissa, as a Huff-LLM decoder in
# hardware would take them.
_FLOAT_GROUPS = {
    "BF16": (2, (1, 8, 7)),
    "F16": (2, (1, 5, 5, 5)),
    "F32": (4, (1, 8, 7, 8, 8)),
}


def decode(blob: Any, *, out: Bytes | None = None, threads: int = 0) -> Bytes:
    """Decode a blob to the stored bytes of its tensor, bit for bit.

    Parameters
    ----------
    blob : bytes-like
        A result of `encode`; zero bytes may follow it.
    out : ndarray of uint8, optional
        Array to decode into: 1-D, writable, and of exactly the tensor's size in bytes.
    threads : int
        0 means all cores.

    Returns
    -------
    ndarray of uint8, 1-D
        The bytes of the tensor, in `out` if it was given.

    Raises
    ------
    FormatError
        If the blob is truncated, corrupt or of a newer version.
    ValueError
        If `out` is read-only, has another size, or shares memory with the blob.
    TypeError
        If `blob` or `out` is not a contiguous buffer of bytes.
    """
    from meadow_py import _core

    data = flat(blob, "blob")
    made = np.empty(info(data).nbytes, np.uint8) if out is None else writable(out)
    if np.may_share_memory(data, made):
        raise ValueError("out: shares memory with the blob, which would change while it is read")
    if planes.is_planes(data):
        _core.decode_planes(data, 0, len(planes.info(data).tiles), made, check_threads(threads))
    else:
        _core.decode_blob(data, made, check_threads(threads))
    return made


def decode_range(blob: Any, begin: int, end: int, *, threads: int = 0) -> Bytes:
    """Decode part of a tensor, reading only the tiles that hold it.

    Parameters
    ----------
    blob : bytes-like
        A result of `encode`; zero bytes may follow it.
    begin, end : int
        First byte of the tensor to decode, and the byte after the last one.
    threads : int
        0 means all cores.

    Returns
    -------
    ndarray of uint8, shape (end - begin,)

    Raises
    ------
    FormatError
        If the blob's head or one of these tiles is damaged.
    ValueError
        If the range is not inside the tensor.
    """
    from meadow_py import _core

    data = flat(blob, "blob")
    about = info(data)
    begin, end = operator.index(begin), operator.index(end)
    if not 0 <= begin <= end <= about.nbytes:
        raise ValueError(f"range {begin}..{end}: expected one inside 0..{about.nbytes}")
    step = about.tile_nbytes
    first, last = begin // step, -(-end // step)
    if begin == end:
        return np.empty(0, np.uint8)
    tiles = np.empty(min(last * step, about.nbytes) - first * step, np.uint8)
    decode_tiles = _core.decode_planes if planes.is_planes(data) else _core.decode_tiles
    decode_tiles(data, first, last, tiles, check_threads(threads))
    return tiles[begin - first * step : end - first * step]


def verify(blob: Any, *, threads: int = 0) -> None:
    """Check every checksum, and decode every tile.

    Tiles of planes are not decoded: any tile whose checksum is right can be.

    Parameters
    ----------
    blob : bytes-like
        A result of `encode`; zero bytes may follow it.
    threads : int
        0 means all cores.

    Raises
    ------
    FormatError
        At the first damage found.
    """
    from meadow_py import _core

    data = flat(blob, "blob")
    check = _core.verify_planes if planes.is_planes(data) else _core.verify_blob
    check(data, check_threads(threads))


def _effort(codec: str) -> str:
    try:
        return CODECS[codec]
    except (KeyError, TypeError):
        raise ValueError(f"codec {codec!r}: expected one of {', '.join(CODECS)}") from None


def _name(dtype: str) -> str:
    if not isinstance(dtype, str):
        raise TypeError(f"dtype: expected a string such as 'BF16', found {type(dtype).__name__}")
    if not dtype.isascii():
        raise ValueError(f"dtype: expected a name such as 'BF16', found {dtype!r}")
    return dtype[:_LONGEST_DTYPE]


def _integers(values: Any, what: str) -> list[int]:
    try:
        return [operator.index(value) for value in values]
    except TypeError:
        raise TypeError(f"{what}: expected integers, as (2, 3), found {values!r}") from None


def _columns(dtype: str, shape: Sequence[int], nbytes: int) -> int:
    """Length of a row of floats; 0 if the tensor has no rows."""
    sizes = _integers(shape, "shape")
    if any(size < 0 for size in sizes):
        raise ValueError(f"shape {tuple(sizes)}: expected no negative length")
    count = math.prod(sizes)
    if dtype in FLOATS and count * FLOATS[dtype] != nbytes:
        raise ValueError(
            f"raw: expected {count * FLOATS[dtype]} bytes for shape {tuple(sizes)} of {dtype}, "
            f"found {nbytes}"
        )
    return sizes[-1] if dtype in FLOATS and len(sizes) > 1 and count else 0


def _groups(dtype: str, groups: Sequence[int], codec: str) -> Layout:
    if codec != "huffman":
        raise ValueError(f"groups need codec='huffman', found codec={codec!r}")
    widths = tuple(_integers(groups, "groups"))
    element = ELEMENT_BYTES.get(dtype)
    return groups_layout(max(1, sum(widths) // 8) if element is None else element, widths)


def info(blob: Any) -> BlobInfo:
    """Read and check the head of a blob, without reading its tiles.

    Parameters
    ----------
    blob : bytes-like
        A result of `encode`; zero bytes may follow it.

    Returns
    -------
    BlobInfo

    Raises
    ------
    FormatError
        If the head is truncated, corrupt or of a newer version.
    """
    from meadow_py import _core

    data = flat(blob, "blob")
    if planes.is_planes(data):
        return planes.info(data)
    found = _core.blob_info(data)
    cut = tuple(PlaneInfo(**plane) for plane in found.pop("planes"))
    return BlobInfo(**{**found, "tiles": tuple(found["tiles"])}, planes=cut)


def flat(data: Any, what: str) -> Bytes:
    """The bytes of a buffer as a 1-D array.

    Raises
    ------
    TypeError
        If it is not a contiguous buffer, or is an array other than a 1-D array of bytes.
    """
    if isinstance(data, np.ndarray):
        if data.ndim != 1 or data.dtype.itemsize != 1 or not data.flags.c_contiguous:
            raise TypeError(_expected(data, what))
        return data.view(np.uint8)
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, BufferError) as error:
        raise TypeError(f"{what}: expected bytes in a row, found {type(data).__name__}") from error


def writable(out: Any) -> Bytes:
    """`out` as an array of bytes that can be written to.

    Raises
    ------
    TypeError
        As for `flat`.
    ValueError
        If it is read-only.
    """
    array = flat(out, "out")
    if not array.flags.writeable:
        raise ValueError("out: expected memory that may be written, found a read-only buffer")
    return array


def _expected(array: npt.NDArray[Any], what: str) -> str:
    kind = "an array" if array.flags.c_contiguous else "a non-contiguous array"
    return (
        f"{what}: expected a contiguous 1-D array of uint8, found {kind} of "
        f"{array.dtype} with shape {array.shape}; try .reshape(-1).view(numpy.uint8)"
    )
