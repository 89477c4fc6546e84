"""The description that the head of a blob gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    coding : {"constant", "raw", "huffman", "rans", "planes"}
        ``constant``: all symbols are the same, so only the table is stored. ``raw``: no table would
        have saved anything. ``planes``: 4-bit codes for the 16 most frequent symbols of every 64
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
    kind : {"segments", "groups", "scaled", "planes"}
        How records are cut: into runs of bytes, into bit groups, as floats with scales, or as
        floats in the runtime codec.
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
        the raw planes as they are. Heads, tables and indices are not counted.
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
    def codec(self) -> str:
        """The codings in use, such as ``huffman+raw``; or ``planes``."""
        if self.kind == PLANES:
            return PLANES
        return "+".join(dict.fromkeys(plane.coding for plane in self.planes))
