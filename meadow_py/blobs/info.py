"""What a blob says of itself."""

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
        Where it lies in a record: bytes, or bits of a bit group.
    count : int
        Symbols of a record.
    width : int
        Bits of a symbol before coding.
    coding : {"constant", "raw", "huffman", "rans", "planes"}
        ``raw`` says that no table paid, ``constant`` that the plane costs nothing, ``planes`` that
        codes of 4 bits stand for the 16 most frequent symbols of each 64 rows, and what is none of
        them is stored apart.
    entries : int
        Symbols that have a code; 0 without a table.
    longest : int
        Bits of the longest code of Huffman and planes; 0 for other codings.
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
        Of the tensor.
    kind : {"segments", "groups", "scaled", "planes"}
        How records are cut: bytes of a record, bit groups, floats under scales, or floats in the
        runtime codec.
    content : str or None
        Of floats: the narrowest dtype that holds every value, and which is coded.
    nbytes, bytes : int
        Of the tensor, and of the blob.
    records, record_bytes : int
        Elements or blocks, and their size.
    tile_records : int
        Of a tile, which decodes alone; the last may be shorter.
    floor_bits : int
        What no coder of these symbols alone gets below: the order-0 entropy of the planes that are
        coded, and raw ones as they are. Heads, tables and indices are not in it.
    tiles : tuple of int
        Bytes of each tile.
    planes : tuple of PlaneInfo
    row_bases, column_bases : int
        How many rows and columns have a scale of their own; 0 for none.
    sections : mapping of str to int
        Of planes, the bytes of ``codes``, ``lower`` (bytes), ``tables``, ``escapes`` and
        ``escaped`` (where the escapes of every four rows begin), and of the ``head``, which
        contains the last three; empty for other kinds.
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
        """Bytes of the tensor in a tile."""
        return self.tile_records * self.record_bytes

    @property
    def codec(self) -> str:
        """The codings in use, as ``huffman+raw``; or ``planes``."""
        if self.kind == PLANES:
            return PLANES
        return "+".join(dict.fromkeys(plane.coding for plane in self.planes))
