"""Regions of a PyTorch archive: its storages, which torch.save keeps uncompressed in a ZIP file.

The pickle beside them gives their dtypes and the tensors in them. Unrecognised parts are bytes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from meadow_py.checkpoint.original.region import FileRegions, Region, View, in_order
from meadow_py.sources.dtypes import BITS
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.pickle_objects import PickledStorage, PickledTensor
from meadow_py.sources.pickled import Pickled, read_pickle
from meadow_py.sources.pytorch import contiguous
from meadow_py.sources.pytorch_archive import Archive, Member
from meadow_py.sources.safetensors import MAX_DIMENSIONS


def pytorch_regions(mapped: MappedFile) -> FileRegions:
    """A region for every storage; none in compressed files and those of torch before 1.6."""
    archive = Archive(mapped)
    pickle = archive.members.get(f"{archive.root}data.pkl")
    if pickle is None or not pickle.stored:
        return FileRegions("bytes", ())
    pickled = Pickled()
    if archive.byte_order == "little":
        pickled = read_pickle(mapped.read(pickle.offset, pickle.length).tobytes())
    return _with_tensors(mapped, archive, pickled)


def _with_tensors(mapped: MappedFile, archive: Archive, pickled: Pickled) -> FileRegions:
    storages = {key: member for key, member in archive.storages().items() if member.stored}
    whole = _whole_storages(pickled)
    made = in_order(
        (_region(key, m, pickled.storages.get(key), whole) for key, m in storages.items()),
        mapped.size,
    )
    views = None
    with contextlib.suppress(ValueError):
        views = _views(made, {m.offset: key for key, m in storages.items()}, pickled)
    return FileRegions("pytorch", made, views)


def _region(
    key: str,
    entry: Member,
    storage: PickledStorage | None,
    whole: dict[str, tuple[str, PickledTensor]],
) -> Region:
    """The values of a storage; bytes if its dtype is unknown or does not fill it evenly."""
    place = (entry.offset, entry.length)
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
        if tensor.offset == 0 and tensor.strides == contiguous(tensor.shape):
            known = found.get(tensor.storage.key)
            if known is None or math.prod(tensor.shape) > math.prod(known[1].shape):
                found[tensor.storage.key] = (name, tensor)
    return found


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
