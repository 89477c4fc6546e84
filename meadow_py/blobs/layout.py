"""The layout of blobs: how a dtype is cut into planes, and what the head of a blob tells of them.

Each plane has a code of its own. The sizes of GGUF blocks, in bytes, come from ggml's
``ggml-common.h`` (the structs ``block_*``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

Plane = tuple[int, int, int]  # offset, symbols per record, bits per symbol


class Layout(NamedTuple):
    """Planes of a record; see `meadow_py._core.encode_records`."""

    kind: str
    record_bytes: int
    planes: tuple[Plane, ...]


def _segments(*sizes: int) -> Layout:
    """Runs of bytes, one plane each; a run of two bytes, such as an F16 scale, is two planes."""
    planes: list[Plane] = []
    at = 0
    for size in sizes:
        if size == 2:
            planes += [(at, 1, 8), (at + 1, 1, 8)]
        else:
            planes.append((at, size, 8))
        at += size
    return Layout("segments", at, tuple(planes))


def _bytes(count: int) -> Layout:
    """Elements of `count` bytes, one plane for each byte."""
    return Layout("segments", count, tuple((at, 1, 8) for at in range(count)))


BYTES = _bytes(1)

# Sizes in bytes of the floats whose exponents are coded relative to scales.
FLOATS: Mapping[str, int] = MappingProxyType({"F32": 4, "F16": 2, "BF16": 2})

_ELEMENTS = {
    8: ("F64", "I64", "U64", "C64"),
    4: ("I32", "U32"),
    2: ("I16", "U16"),
}

# Dtypes whose records are single elements.
ELEMENT_BYTES: Mapping[str, int] = MappingProxyType(
    {name: size for size, names in _ELEMENTS.items() for name in names}
    | dict.fromkeys(("F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"), 1)
    | dict(FLOATS)
)

_BLOCKS = {
    "Q4_0": (2, 16),
    "Q4_1": (2, 2, 16),
    "Q5_0": (2, 4, 16),
    "Q5_1": (2, 2, 4, 16),
    "Q8_0": (2, 32),
    "Q8_1": (2, 2, 32),
    "Q2_K": (16, 64, 2, 2),
    "Q3_K": (32, 64, 12, 2),
    "Q4_K": (2, 2, 12, 128),
    "Q5_K": (2, 2, 12, 32, 128),
    "Q6_K": (128, 64, 16, 2),
    "Q8_K": (4, 256, 32),
    "IQ1_S": (2, 32, 16),
    "IQ1_M": (32, 16, 8),
    "IQ2_XXS": (2, 64),
    "IQ2_XS": (2, 64, 8),
    "IQ2_S": (2, 64, 8, 8),
    "IQ3_XXS": (2, 96),
    "IQ3_S": (2, 64, 8, 32, 4),
    "IQ4_NL": (2, 16),
    "IQ4_XS": (2, 2, 4, 128),
    "TQ1_0": (48, 4, 2),
    "TQ2_0": (64, 2),
    "MXFP4": (1, 16),
}

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {name: _bytes(size) for size, names in _ELEMENTS.items() for name in names}
    | {name: _segments(*sizes) for name, sizes in _BLOCKS.items()}
)


def layout_of(dtype: str, nbytes: int) -> Layout:
    """The layout of a dtype; plain bytes if it is unknown, or if there are no whole records."""
    layout = LAYOUTS.get(dtype, BYTES)
    return layout if nbytes % layout.record_bytes == 0 else BYTES


def groups_layout(element_bytes: int, widths: tuple[int, ...]) -> Layout:
    """Bit groups of every element, highest bits first, as Huff-LLM cuts them.

    Raises
    ------
    ValueError
        If the widths are not 1 to 8 bits each, or do not add up to the bits of an element.
    """
    if any(not 1 <= width <= 8 for width in widths) or sum(widths) != 8 * element_bytes:
        raise ValueError(
            f"groups: expected widths of 1 to 8 bits that add up to {8 * element_bytes}, found "
            f"{widths}"
        )
    planes, shift = [], 8 * element_bytes
    for width in widths:
        shift -= width
        planes.append((shift, 1, width))
    return Layout("groups", element_bytes, tuple(planes))


PLANES = "planes"  # the kind of blobs in the runtime codec


@dataclass(frozen=True)
class PlaneInfo:
    """One plane of a blob: symbols that share a code.

    Attributes
    ----------
    offset : int
        Place in a record, in bytes; for bit groups in bits.
    count : int
        Number of symbols in a record.
    width : int
        Bits of a symbol before coding.
    coding : {"constant", "raw", "huffman", "rans", "tiled", "planes"}
        ``constant``: all symbols are the same, so only the table is stored. ``raw``: no table would
        have saved anything. ``tiled``: tiles differ, so each has the code of the table or one of
        its own. ``planes``: 4-bit codes for the 16 most frequent symbols of every 64
        rows; other symbols are stored separately.
    entries : int
        Number of symbols that have a code; 0 without a table.
    longest : int
        Bits of the longest code for ``huffman`` and ``planes``; 0 for other codings.
    table_bytes : int
        Size of the table in the blob.
    """

    offset: int
    count: int
    width: int
    coding: str
    entries: int
    longest: int
    table_bytes: int


@dataclass(frozen=True)
class BlobInfo:
    """The head of a blob.

    Attributes
    ----------
    dtype : str
        Dtype of the tensor.
    kind : {"segments", "groups", "scaled", "grid", "palette", "planes"}
        How records are cut: into runs of bytes, into bit groups, as floats with scales, as groups
        of floats that are multiples of a scale or have a table of few values, or as floats in the
        runtime codec.
    content : str or None
        For floats: the narrowest dtype that holds every value, in which they are coded.
    nbytes, bytes : int
        Size of the tensor, and of the blob.
    records, record_bytes : int
        Number of elements or blocks, and the size of one.
    tile_records : int
        Number of records in a tile, which can be decoded alone; the last tile may have fewer.
    floor_bits : int
        Lower bound for any coder of single symbols: the order-0 entropy of the coded planes, plus
        the raw planes as they are. For tiled planes it is the entropy of each tile. Heads, tables
        and indices are not counted.
    tiles : tuple of int
        Bytes of each tile.
    planes : tuple of PlaneInfo
    row_bases, column_bases : int
        Number of rows and of columns that have a scale of their own.
    sections : mapping of str to int
        For ``planes``: the bytes of ``codes``, ``lower`` (the lower bytes), ``tables``, ``escapes``
        and ``escaped`` (where the escapes of every four rows begin), and of ``head``, which
        includes the last three. Empty for other kinds.
    """

    dtype: str
    kind: str
    content: str | None
    nbytes: int
    bytes: int
    records: int
    record_bytes: int
    tile_records: int
    floor_bits: int
    tiles: tuple[int, ...]
    planes: tuple[PlaneInfo, ...]
    row_bases: int
    column_bases: int
    sections: Mapping[str, int] = field(default_factory=dict)

    @property
    def tile_nbytes(self) -> int:
        """Bytes of the tensor that a tile holds."""
        return self.tile_records * self.record_bytes

    @property
    def head_bytes(self) -> int:
        """Bytes of the head: everything before the tiles, or before the codes of planes."""
        return self.sections["head"] if self.kind == PLANES else self.bytes - sum(self.tiles)

    @property
    def codec(self) -> str:
        """The codings in use, such as ``huffman+raw``; or ``planes``."""
        if self.kind == PLANES:
            return PLANES
        return "+".join(dict.fromkeys(plane.coding for plane in self.planes))
