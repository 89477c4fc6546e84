"""The lossless codecs behind one interface."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from meadow_py._core import MAX_CHUNK, MAX_CODE_BITS
from meadow_py.checks import check_matrix, check_threads
from meadow_py.records import Size

if TYPE_CHECKING:
    from meadow_py._core import Chunks, StreamInfo

Along = Literal["in", "out"]

MIN_CHUNK = 1
_CODE_DTYPES = frozenset(
    np.dtype(t) for t in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32)
)


class CodeMatrix:
    """Integer codes ``[out, in]``, and their chunks, which are cut when a codec first needs them.

    Parameters
    ----------
    codes : ndarray, shape (out, in)
        int8, uint8, int16, uint16, int32 or uint32 values that fit in `bits`, in any layout.
        Raw 16-bit floats are passed as uint16 bit patterns.
    bits : int
        Bits per code, 1 to 32.
    chunk : int
        Neighbouring codes per chunk, 1 to 16. A short last chunk is padded with zeros.
    along : {"in", "out"}
        The dimension that chunks run along.
    threads : int
        Number of threads; 0 means all cores. No result depends on it.
    name : str
        Name of the codes in error messages.

    Raises
    ------
    ValueError
        If an argument is out of its range, the codes are not 2-D or are empty, or a code does not
        fit the narrowest integer type for `bits`.
    TypeError
        If an argument has the wrong type, or the codes are no integers.
    """

    def __init__(
        self,
        codes: npt.NDArray[Any],
        bits: int = 8,
        chunk: int = 2,
        along: Along = "in",
        threads: int = 0,
        name: str = "codes",
    ) -> None:
        self.bits = _check_width(bits)
        self.codes = _sized(_check_codes(codes, name), self.bits, name)
        self.chunk = check_chunk(chunk)
        self.along = check_along(along)
        self.threads = check_threads(threads)

    @functools.cached_property
    def chunks(self) -> Chunks:
        """The chunks and their dictionary; computed once."""
        from meadow_py import _core

        return _core.Chunks(self.codes, self.bits, self.chunk, self.along, self.threads)


@dataclass(frozen=True)
class Codec:
    """A lossless code.

    Attributes
    ----------
    name : str
        Key of the codec in ``bits_per_weight``.
    title : str
        Name of the codec in tables.
    pack : callable
        ``(CodeMatrix, verify) -> bytes``: makes a coded stream.
    measure : callable
        ``(CodeMatrix, verify) -> StreamInfo``: makes the same stream, but keeps only its sizes.
    """

    name: str
    title: str
    pack: Callable[[CodeMatrix, bool], bytes]
    measure: Callable[[CodeMatrix, bool], StreamInfo]


def _dictionary_codec(name: str, title: str) -> Codec:
    return Codec(
        name,
        title,
        pack=lambda m, verify: m.chunks.pack_dictionary(verify=verify),
        measure=lambda m, verify: m.chunks.pack_dictionary(verify=verify, info_only=True),
    )


def _packet_codec(name: str, title: str, reindex: bool) -> Codec:
    return Codec(
        name,
        title,
        pack=lambda m, verify: m.chunks.pack_packets(reindex, verify=verify),
        measure=lambda m, verify: m.chunks.pack_packets(reindex, verify=verify, info_only=True),
    )


# In the order of MEADOW's ablation: each codec adds one idea to the one before it.
CODECS = MappingProxyType(
    {
        codec.name: codec
        for codec in (
            _dictionary_codec("naive", "naive"),
            _packet_codec("packets", "packets", reindex=False),
            _packet_codec("reindexed", "re-indexed", reindex=True),
        )
    }
)


@dataclass(frozen=True)
class PacketLayout:
    """Packet layout that the search chose for re-indexed packing.

    Attributes
    ----------
    length : int
        Indices per packet.
    mode_bits : int
        Bits that name the width of a packet.
    widths : tuple of int
        Index widths in bits, in mode order.
    """

    length: Size
    mode_bits: Size
    widths: tuple[Size, ...]


def packet_layout(infos: Mapping[str, StreamInfo]) -> PacketLayout:
    """The packets that the search chose for re-indexed chunks.

    Parameters
    ----------
    infos : mapping of str to StreamInfo
        The streams of one matrix, keyed by the names of `CODECS`.

    Returns
    -------
    PacketLayout
    """
    info = infos["reindexed"]
    return PacketLayout(info["packet_length"], info["mode_bits"], tuple(info["widths"]))


@dataclass(frozen=True)
class Coder:
    """An entropy coder of single values. Its blobs do not depend on chunks.

    Attributes
    ----------
    name : str
        Key of the coder in ``bits_per_weight``.
    title : str
        Name of the coder in sentences.
    codec : str
        The `codec` argument of `meadow_py.blobs.encode`.
    """

    name: str
    title: str
    codec: str


CODERS = MappingProxyType(
    {
        coder.name: coder
        for coder in (
            Coder("huffman", "Huffman", "huffman"),
            Coder("storage", "storage codec", "auto"),
        )
    }
)


def check_chunk(chunk: int) -> int:
    """`chunk` as an int, if it is a valid chunk size; else raises TypeError or ValueError."""
    if isinstance(chunk, bool) or not isinstance(chunk, int | np.integer):
        raise TypeError(f"a chunk size is an integer, not {type(chunk).__name__}: {chunk!r}")
    if not MIN_CHUNK <= chunk <= MAX_CHUNK:
        raise ValueError(f"chunk size {chunk}: expected {MIN_CHUNK} to {MAX_CHUNK} codes")
    return int(chunk)


def check_along(along: str) -> Along:
    """`along`, if it names a dimension; else raises ValueError."""
    if along == "in":
        return "in"
    if along == "out":
        return "out"
    raise ValueError(f"along={along!r}: expected 'in' or 'out'")


def _check_codes(codes: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    matrix = check_matrix(codes, name)
    native = matrix.dtype.newbyteorder("=")
    if native not in _CODE_DTYPES:
        raise TypeError(
            f"{name} have dtype {matrix.dtype}: expected int8, uint8, int16, uint16, int32 or "
            "uint32; quantize() makes codes of floats"
        )
    return np.require(matrix, native, ["C", "A"])


def _check_width(bits: int) -> int:
    if isinstance(bits, bool) or not isinstance(bits, int | np.integer):
        raise TypeError(f"bits are an integer, not {type(bits).__name__}: {bits!r}")
    if not 1 <= bits <= MAX_CODE_BITS:
        raise ValueError(f"bits={bits}: expected 1 to {MAX_CODE_BITS}")
    return int(bits)


def _sized(codes: npt.NDArray[Any], bits: int, name: str) -> npt.NDArray[Any]:
    """The codes in the narrowest dtype of their signedness for `bits`, as `decode` returns them."""
    itemsize = 1 if bits <= 8 else 2 if bits <= 16 else 4
    if codes.itemsize == itemsize:
        return codes
    target = np.dtype(f"{codes.dtype.kind}{itemsize}")
    low, high = int(codes.min()), int(codes.max())
    if low < np.iinfo(target).min or high > np.iinfo(target).max:
        raise ValueError(f"{name} hold {low} to {high}, which do not fit {bits} bits")
    return codes.astype(target)
