"""The table of regions in a packed file. With the blobs and the rest it restores the original."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from meadow_py.checkpoint.format.layout import VERSION
from meadow_py.checkpoint.format.rest import check_rest_size
from meadow_py.checkpoint.original.gguf import BLOCK_TYPES
from meadow_py.checkpoint.original.region import RESERVED, Region, Size, View
from meadow_py.errors import FormatError
from meadow_py.records import Range, from_json_types
from meadow_py.sources.dtypes import BITS, NUMPY
from meadow_py.sources.safetensors import MAX_DIMENSIONS
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import is_printable

STORED = "stored"  # the codec of regions without a blob
_BLOCKS = {name: (values, size) for name, values, size in BLOCK_TYPES.values()}
_Crc32 = Annotated[int, Range(least=0, most=2**32 - 1)]
MAX_STORED = 1 << 16  # bytes: such a region has one checksum, a blob has many


@dataclass(frozen=True)
class PackedRegion:
    """A region, and how it is stored.

    Attributes
    ----------
    region : Region
    stored : str
        The tensor of the packed file that holds its blob.
    codec : str
        The codec of its blob; ``stored`` for a small tensor that is kept unchanged, without a blob.
    size : int
        Size of the blob in bytes, without padding; 0 for an empty region, which has none.
    crc32 : int
        CRC-32 of the bytes of the original (the polynomial of zlib and gzip).
    head_crc32 : int or None
        CRC-32 of the head of its blob; None for regions without a blob, and in version 1.
    """

    region: Region
    stored: str
    codec: str
    size: int
    crc32: int
    head_crc32: int | None = None


@dataclass(frozen=True)
class RestEntry:
    """The rest: its coding, number of coded bytes, their CRC-32, and number of original bytes."""

    coding: str
    size: int
    length: int
    crc32: int


@dataclass(frozen=True)
class RegionTable:
    """Everything needed to restore the original, except blobs and rest."""

    format: str
    regions: tuple[PackedRegion, ...]
    rest: RestEntry
    views: tuple[View, ...] | None = None

    @property
    def length(self) -> int:
        """Bytes of the original."""
        return self.rest.length + sum(packed.region.length for packed in self.regions)


def stored_names(regions: Sequence[Region]) -> tuple[str, ...]:
    """A name in the packed file for each region: its own, unless it is taken or reserved."""
    taken = {"__metadata__"}
    made = []
    for number, region in enumerate(regions):
        name = region.name
        if name in taken or name.startswith(RESERVED) or not region.is_tensor:
            name = f"{RESERVED}region.{number}"
        taken.add(name)
        made.append(name)
    return tuple(made)


def table_to_json(table: RegionTable) -> bytes:
    """The table as it is stored."""
    rest = table.rest
    data: dict[str, Any] = {
        "format": table.format,
        "regions": [_region_to_dict(packed) for packed in table.regions],
        "rest": {
            "codec": rest.coding,
            "bytes": rest.size,
            "length": rest.length,
            "crc32": rest.crc32,
        },
    }
    if table.views is not None:
        data["views"] = [
            {
                "name": view.name,
                "dtype": view.dtype,
                "shape": view.shape,
                "region": view.region,
                "offset": view.offset,
                "strides": view.strides,
            }
            for view in table.views
        ]
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _region_to_dict(packed: PackedRegion) -> dict[str, Any]:
    region = packed.region
    made: dict[str, Any] = {"name": region.name}
    if packed.stored != region.name:
        made["stored"] = packed.stored
    if not region.is_tensor:
        made["tensor"] = False
    head = {} if packed.head_crc32 is None else {"head_crc32": packed.head_crc32}
    return made | {
        "dtype": region.dtype,
        "shape": region.shape,
        "offset": region.offset,
        "length": region.length,
        "codec": packed.codec,
        "bytes": packed.size,
        "crc32": packed.crc32,
        **head,
    }


@dataclass(frozen=True)
class _RegionRecord:
    """A region as the table stores it."""

    name: str
    dtype: str
    shape: tuple[Size, ...]
    offset: Size
    length: Size
    codec: str
    bytes: Size
    crc32: _Crc32
    head_crc32: _Crc32 | None = None
    stored: str | None = None
    tensor: bool = True


@dataclass(frozen=True)
class _RestRecord:
    """The rest as the table stores it."""

    codec: Literal["raw", "zstd"]
    bytes: Size
    length: Size
    crc32: _Crc32


@dataclass(frozen=True)
class _TableRecord:
    """The table as it is stored."""

    format: Literal["safetensors", "gguf", "pytorch", "bytes"]
    regions: tuple[_RegionRecord, ...]
    rest: _RestRecord
    views: tuple[View, ...] | None = None


def table_from_json(
    text: bytes, source_size: int, where: str, version: int = VERSION
) -> RegionTable:
    """The table in the JSON `text` of a file whose original has `source_size` bytes.

    Raises
    ------
    FormatError
        If it is damaged, or its regions do not fit the original. The message names the value.
    """
    data = parse_object(text, where)
    try:
        found = from_json_types(_TableRecord, data)
        rest = RestEntry(found.rest.codec, found.rest.bytes, found.rest.length, found.rest.crc32)
        regions = tuple(_region(n, record, version) for n, record in enumerate(found.regions))
        table = RegionTable(found.format, regions, rest, found.views)
        _check_regions(table.regions)
        _check_views(table)
    except ValueError as error:
        raise FormatError(f"{where}: corrupt table of regions: {error}") from error
    check_rest_size(table.rest.length, table.rest.size, f"{where}: rest.length")
    if table.length != source_size:
        raise FormatError(
            f"{where}: regions and rest have {table.length} B, but the original has {source_size}"
        )
    _check_order(table.regions, source_size, where)
    return table


def _region(number: int, found: _RegionRecord, version: int) -> PackedRegion:
    where, name = f"regions[{number}]", found.name
    stored = name if found.stored is None else found.stored
    for key, text in (("name", name), ("stored", stored), ("codec", found.codec)):
        _check_text(f"{where}.{key}", text)
    _check_text(f"{where}.dtype", found.dtype)
    shape = found.shape
    if len(shape) > MAX_DIMENSIONS or math.prod(max(1, n) for n in shape) >= 2**60:
        raise ValueError(f"{where}.shape: {name!r} has the shape {reprlib.repr(list(shape))}")
    if (found.length == 0) != (found.bytes == 0):
        raise ValueError(f"{where}.bytes: {name!r} has {found.length} B in {found.bytes} B")
    if found.codec == STORED and (found.length != found.bytes or found.length > MAX_STORED):
        raise ValueError(
            f"{where}.bytes: {name!r} is stored as {found.bytes} B of {found.length} B"
        )
    if (found.head_crc32 is not None) != (version > 1 and found.codec != STORED):
        raise ValueError(f"{where}.head_crc32: {name!r} must have one exactly if it has a blob")
    _check_length(f"{where}.length", found)
    region = Region(name, found.dtype, shape, found.offset, found.length, found.tensor)
    return PackedRegion(region, stored, found.codec, found.bytes, found.crc32, found.head_crc32)


def _check_length(where: str, found: _RegionRecord) -> None:
    """Check that shape and dtype take as many bytes as the region has, unless the dtype is new."""
    values, size = _BLOCKS.get(found.dtype, (8, BITS.get(found.dtype, 0)))
    takes = math.prod(found.shape) * size // values
    if size and takes != found.length:
        raise ValueError(
            f"{where}: expected {takes} B for {found.dtype} of shape {list(found.shape)}, found "
            f"{found.length}"
        )


def _check_text(where: str, text: str) -> None:
    if not is_printable(text):
        raise ValueError(f"{where}: expected text without lone surrogates, found {text!r}")


def _check_regions(regions: Sequence[PackedRegion]) -> None:
    names: set[str] = set()
    stored: set[str] = set()
    for n, packed in enumerate(regions):
        if packed.region.is_tensor:
            _add_once(names, packed.region.name, f"regions[{n}].name")
        _add_once(stored, packed.stored, f"regions[{n}].stored")


def _add_once(taken: set[str], name: str, where: str) -> None:
    if name in taken:
        raise ValueError(f"{where}: the name {name!r} appears twice")
    taken.add(name)


def _check_order(regions: Sequence[PackedRegion], size: int, where: str) -> None:
    reached = 0
    for n, region in enumerate(packed.region for packed in regions):
        before = f"; regions[{n - 1}] ends at byte {reached}" if n else ""
        if region.offset < reached or region.end > size:
            raise FormatError(
                f"{where}: regions[{n}].offset: region {region.name!r} at byte {region.offset} "
                f"of {size} overlaps another, or the end{before}"
            )
        reached = region.end


def _check_views(table: RegionTable) -> None:
    """Check that views stay inside their regions."""
    names: set[str] = set()
    for n, view in enumerate(table.views or ()):
        _check_text(f"views[{n}].name", view.name)
        _add_once(names, view.name, f"views[{n}].name")
        region = table.regions[view.region].region if view.region < len(table.regions) else None
        if region is None or view.dtype != region.dtype or view.dtype not in NUMPY:
            raise ValueError(f"views[{n}].region: {view.name!r} must lie in a region of its dtype")
        if len(view.shape) != len(view.strides) or len(view.shape) > MAX_DIMENSIONS:
            raise ValueError(
                f"views[{n}].strides: {view.name!r} has strides that do not suit its shape"
            )
        reach = sum((size - 1) * step for size, step in zip(view.shape, view.strides, strict=True))
        last = view.offset + reach + 1
        if 0 not in view.shape and last * NUMPY[view.dtype].itemsize > region.length:
            raise ValueError(f"views[{n}]: {view.name!r} ends after the end of its region")
