"""What a blob says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meadow_py.blobs.buffers import flat


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
    coding : {"constant", "raw", "huffman", "rans"}
        ``raw`` says that no table paid, ``constant`` that the plane costs nothing.
    entries : int
        Symbols that have a code; 0 without a table.
    longest : int
        Bits of the longest Huffman code; 0 for other codings.
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
    kind : {"segments", "groups", "scaled"}
        How records are cut: bytes of a record, bit groups, or floats under scales.
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

    @property
    def tile_nbytes(self) -> int:
        """Bytes of the tensor in a tile."""
        return self.tile_records * self.record_bytes

    @property
    def codec(self) -> str:
        """The codings in use, as ``huffman+raw``."""
        return "+".join(dict.fromkeys(plane.coding for plane in self.planes))


def info(blob: Any) -> BlobInfo:
    """Read and check the head of a blob; its tiles are not touched.

    Raises
    ------
    FormatError
        If it is truncated, corrupt or of a newer version.
    """
    from meadow_py import _core

    found = _core.blob_info(flat(blob, "blob"))
    planes = tuple(PlaneInfo(**plane) for plane in found.pop("planes"))
    return BlobInfo(**{**found, "tiles": tuple(found["tiles"])}, planes=planes)
