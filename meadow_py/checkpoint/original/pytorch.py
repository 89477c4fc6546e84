"""Regions of a PyTorch archive: its storages, which torch.save keeps uncompressed in a ZIP file.

The pickle beside them gives their dtypes and the tensors in them. Unrecognised parts are bytes.
"""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from meadow_py.checkpoint.original.pickled import (
    Pickled,
    PickledStorage,
    PickledTensor,
    read_pickle,
)
from meadow_py.checkpoint.original.region import FileRegions, Region, View, in_order
from meadow_py.sources.dtypes import BITS
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.safetensors import MAX_DIMENSIONS

_LOCAL_HEADER = 30  # bytes of a ZIP entry before its name (APPNOTE.TXT 4.3.7)
_LOCAL_MAGIC = b"PK\x03\x04"


class _Member(NamedTuple):
    name: str
    offset: int  # of its data
    length: int


def pytorch_regions(mapped: MappedFile) -> FileRegions:
    """A region for every storage; none in compressed files and those of torch before 1.6."""
    entries = _stored_entries(mapped)
    pickles = [name for name in entries if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        return FileRegions("bytes", ())
    root = pickles[0].removesuffix("data.pkl")
    pickled = Pickled()
    if _is_little_endian(mapped, entries, root):
        entry = entries[pickles[0]]
        pickled = read_pickle(mapped.read(entry.offset, entry.length).tobytes())
    return _with_tensors(mapped, entries, root, pickled)


def _stored_entries(mapped: MappedFile) -> dict[str, _Member]:
    """The uncompressed entries of the archive by name; none if it is damaged."""
    try:
        with mapped.path.open("rb") as file, zipfile.ZipFile(file) as archive:
            listed = [
                info for info in archive.infolist() if info.compress_type == zipfile.ZIP_STORED
            ]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return {}
    found: dict[str, _Member] = {}
    for info in listed:
        entry = _located(mapped, info)
        if entry is None or entry.name in found:
            return {}
        found[entry.name] = entry
    return found


def _located(mapped: MappedFile, info: zipfile.ZipInfo) -> _Member | None:
    """The place of an entry's data; None if its header is not where the directory says."""
    begin = info.header_offset
    if not 0 <= begin <= mapped.size - _LOCAL_HEADER or info.flag_bits & 1:
        return None
    header = mapped.read(begin, _LOCAL_HEADER).tobytes()
    extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    offset = begin + _LOCAL_HEADER + extra
    if header[:4] != _LOCAL_MAGIC or offset + info.file_size > mapped.size:
        return None
    return _Member(info.filename, offset, info.file_size)


def _is_little_endian(mapped: MappedFile, entries: dict[str, _Member], root: str) -> bool:
    order = entries.get(f"{root}byteorder")
    if order is None or order.length > 16:
        return order is None
    return mapped.read(order.offset, order.length).tobytes() == b"little"


def _with_tensors(
    mapped: MappedFile, entries: dict[str, _Member], root: str, pickled: Pickled
) -> FileRegions:
    prefix = f"{root}data/"
    storages = [entry for name, entry in entries.items() if name.startswith(prefix)]
    whole = _whole_storages(pickled)
    made = in_order(
        (_region(e, prefix, pickled.storages.get(e.name[len(prefix) :]), whole) for e in storages),
        mapped.size,
    )
    views = None
    with contextlib.suppress(ValueError):
        views = _views(
            made, {entry.offset: entry.name[len(prefix) :] for entry in storages}, pickled
        )
    return FileRegions("pytorch", made, views)


def _region(
    entry: _Member,
    prefix: str,
    storage: PickledStorage | None,
    whole: dict[str, tuple[str, PickledTensor]],
) -> Region:
    """The values of a storage; bytes if its dtype is unknown or does not fill it evenly."""
    key, place = entry.name[len(prefix) :], (entry.offset, entry.length)
    label = f"data/{_printable(key)}"
    if storage is None or storage.dtype is None or entry.length * 8 % BITS[storage.dtype]:
        return Region(label, "U8", (entry.length,), *place, is_tensor=False)
    values = entry.length * 8 // BITS[storage.dtype]
    if key in whole:
        name, tensor = whole[key]
        if math.prod(tensor.shape) == values and tensor.dtype == storage.dtype:
            return Region(name, storage.dtype, tensor.shape, *place)
    return Region(label, storage.dtype, (values,), *place, is_tensor=False)


def _printable(key: str) -> str:
    return key.encode("utf-8", "replace").decode()


def _whole_storages(pickled: Pickled) -> dict[str, tuple[str, PickledTensor]]:
    """Storage key -> the first tensor that starts where the storage starts and has no gaps."""
    found: dict[str, tuple[str, PickledTensor]] = {}
    for name, tensor in (pickled.tensors or {}).items():
        if tensor.offset == 0 and tensor.strides == _contiguous(tensor.shape):
            known = found.get(tensor.storage.key)
            if known is None or math.prod(tensor.shape) > math.prod(known[1].shape):
                found[tensor.storage.key] = (name, tensor)
    return found


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array without gaps, as in torch: dimensions of 0 count as 1."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def _views(
    regions: tuple[Region, ...], keys: dict[int, str], pickled: Pickled
) -> tuple[View, ...] | None:
    """All tensors of the state dict; ValueError if one exceeds its storage."""
    if pickled.tensors is None:
        return None
    place = {keys[region.offset]: n for n, region in enumerate(regions)}
    return tuple(_each_view(regions, place, pickled.tensors))


def _each_view(
    regions: tuple[Region, ...], place: dict[str, int], tensors: dict[str, PickledTensor]
) -> Iterator[View]:
    seen = set()
    for name, t in tensors.items():
        if t.storage.key not in place:
            raise ValueError("a tensor has no storage")
        n = place[t.storage.key]
        if regions[n].dtype != t.dtype or len(t.shape) > MAX_DIMENSIONS:
            raise ValueError("a tensor has another dtype than its storage")
        reach = sum((size - 1) * step for size, step in zip(t.shape, t.strides, strict=True))
        if 0 not in t.shape and (t.offset + reach + 1) * BITS[t.dtype] > regions[n].length * 8:
            raise ValueError("a tensor ends after the end of its storage")
        where = (n, t.offset, t.shape, t.strides)
        if where not in seen or 0 in t.shape:  # second names of tied weights are left out
            yield View(name, t.dtype, t.shape, n, t.offset, t.strides)
        seen.add(where)
