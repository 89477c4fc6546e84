"""A packed folder or file as a source, whose tensors are decoded on demand."""

from __future__ import annotations

import functools
import math
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meadow_py.blobs.planes import CODEC as PLANES
from meadow_py.checkpoint.format.card import original_config
from meadow_py.checkpoint.format.manifest import Manifest, read_manifest
from meadow_py.checkpoint.format.reader import PackedFile, check_entry
from meadow_py.checkpoint.format.rest import gguf_header
from meadow_py.checkpoint.original.region import Region, View
from meadow_py.errors import FormatError
from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.dtypes import NUMPY
from meadow_py.sources.model_files import of_shard, read_index, select_weights, shards
from meadow_py.sources.tensor import Bytes, Tensor


def open_packed_folder(folder: Path, source: str) -> Checkpoint:
    """The model in a packed folder, made of the files that would be opened in the original folder.

    Raises
    ------
    FormatError
        If the folder is incomplete, or a file is truncated or corrupt.
    """
    manifest = read_manifest(folder)
    originals = [e.source for e in manifest.entries if e.source and "/" not in e.source]
    selection = select_weights(originals, str(folder))
    held: dict[str, Tensor] = {}
    opened = _Opened(folder, manifest)
    try:
        if selection.index_file is None:
            for file in selection.files:
                _add(held, opened.tensors(file))
        else:
            index = folder / (manifest.carried_as(selection.index_file) or selection.index_file)
            weight_map = read_index(index, selection.format)
            for file in shards(weight_map):
                found = opened.tensors(file)
                names = of_shard(index, weight_map, file, found)
                _add(held, [tensor for tensor in found if tensor.name in names])
        config = opened.gguf_metadata() or original_config(folder)
    except BaseException:
        opened.close()
        raise
    reopen = functools.partial(open_packed_folder, folder.absolute(), source)
    return Checkpoint(source, "meadow", held.values(), config, opened.close, reopen)


def open_packed_file(path: Path, source: str) -> Checkpoint:
    """The model in one packed file; a ``config.json`` beside it is used."""
    packed = PackedFile(path)
    try:
        tensors = packed_tensors(packed)
        config = _gguf_metadata(packed) or original_config(path.parent)
        reopen = functools.partial(open_packed_file, path.absolute(), source)
        return Checkpoint(source, "meadow", tensors, config, packed.close, reopen)
    except BaseException:
        packed.close()
        raise


def packed_gguf_metadata(path: Path) -> Mapping[str, Any]:
    """The metadata of a packed GGUF file or folder, with the arrays of its tokenizer.

    Raises
    ------
    FormatError
        If the folder is incomplete, or a file is truncated or corrupt.
    """
    if path.is_dir():
        manifest = read_manifest(path)
        originals = [e.source for e in manifest.packed if e.source and "/" not in e.source]
        chosen = select_weights(originals, str(path)).files[0]
        path = next(path / e.name for e in manifest.packed if e.source == chosen)
    with PackedFile(path) as packed:
        return gguf_header(packed, tokenizer=True).metadata


def packed_tensors(packed: PackedFile) -> list[Tensor]:
    """The tensors of a packed file, in the order of their bytes in the original.

    Raises
    ------
    ValueError
        If the original was packed as plain bytes, because its format was not recognised.
    """
    table, decoder = packed.table, _RegionDecoder(packed)
    if table.format == "bytes" or (table.format == "pytorch" and table.views is None):
        raise ValueError(
            f"{packed.path}: the tensors of {packed.source_name} are not known, only its bytes: "
            "unpack it, and open that"
        )
    if table.views is not None:
        return [_of_view(packed, decoder, view) for view in table.views]
    made = [
        _of_region(packed, decoder, number, entry.region)
        for number, entry in enumerate(table.regions)
        if entry.region.is_tensor
    ]
    if table.format == "gguf":
        _check_gguf(packed, made)
    return made


class _Opened:
    """The packed files of a folder, opened once each."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._entries = {entry.source: entry for entry in manifest.packed}
        self._files: list[PackedFile] = []

    def tensors(self, original: str) -> list[Tensor]:
        entry = self._entries.get(original)
        if entry is None:
            raise FormatError(f"{self._folder}: no packed file of {original!r}")
        packed = PackedFile(self._folder / entry.name)
        self._files.append(packed)
        check_entry(packed, entry)
        return packed_tensors(packed)

    def gguf_metadata(self) -> Mapping[str, Any] | None:
        return next(filter(None, map(_gguf_metadata, self._files)), None)

    def close(self) -> None:
        for packed in self._files:
            packed.close()


class _RegionDecoder:
    """Decodes regions. An array that is still in use, or was the last one, is not decoded again.

    The parts of a fused tensor, read one after another, therefore cost one decoding.
    """

    def __init__(self, packed: PackedFile) -> None:
        self._packed = packed
        self._lock = threading.Lock()
        self._used: weakref.WeakValueDictionary[int, Bytes] = weakref.WeakValueDictionary()
        self._last: Bytes | None = None

    def read(self, number: int) -> Bytes:
        """All bytes of the region with this number in the file."""
        with self._lock:
            found = self._used.get(number)
            if found is None:
                self._last = None  # never keep two unused arrays
                found = self._packed.decode(self._packed.table.regions[number])
                self._used[number] = found
            self._last = found
            return found


def _of_region(packed: PackedFile, decoder: _RegionDecoder, number: int, region: Region) -> Tensor:
    read = functools.partial(decoder.read, number)
    made: type[Tensor] = Tensor
    if packed.table.format == "gguf" and region.dtype not in NUMPY:
        from meadow_py.sources.gguf import BlockTensor

        made = BlockTensor
    name = str(packed.path)
    planes = _planes_of(packed, number)
    return made(region.name, region.dtype, region.shape, region.length, read, name, planes)


def _planes_of(packed: PackedFile, number: int) -> Callable[[], Bytes] | None:
    """A callable that returns the blob of a matrix in planes; None for other codecs."""
    entry = packed.table.regions[number]
    if entry.codec != PLANES or len(entry.region.shape) != 2:
        return None
    return functools.partial(packed.planes, entry)


def _of_view(packed: PackedFile, decoder: _RegionDecoder, view: View) -> Tensor:
    size = math.prod(view.shape) * NUMPY[view.dtype].itemsize
    held = packed.table.regions[view.region].region.length
    if size > held:
        raise FormatError(
            f"{packed.path}: tensor {view.name!r} claims {size} B, its storage holds {held} B"
        )
    read = functools.partial(_read_view, decoder, view)
    region = packed.table.regions[view.region].region
    whole = view.offset == 0 and view.shape == region.shape and view.strides == _in_row(view.shape)
    planes = _planes_of(packed, view.region) if whole else None
    return Tensor(view.name, view.dtype, view.shape, size, read, str(packed.path), planes)


def _in_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in values, of a row-major array without gaps."""
    return tuple(math.prod(shape[n + 1 :]) for n in range(len(shape)))


def _read_view(decoder: _RegionDecoder, view: View) -> Bytes:
    if 0 in view.shape:
        return np.zeros(0, np.uint8)
    dtype = np.dtype(f"u{NUMPY[view.dtype].itemsize}")  # numpy has no strides of ml_dtypes' F8
    values = decoder.read(view.region).view(dtype)[view.offset :]
    strides = [step * dtype.itemsize for step in view.strides]
    found = np.lib.stride_tricks.as_strided(values, view.shape, strides, writeable=False)
    return np.ascontiguousarray(found).reshape(-1).view(np.uint8)


def _add(held: dict[str, Tensor], found: Iterable[Tensor]) -> None:
    for tensor in found:
        if tensor.name in held:
            raise FormatError(
                f"tensor {tensor.name!r} is in {held[tensor.name].file} and in {tensor.file}: "
                "different models in one folder? Name the file to open"
            )
        held[tensor.name] = tensor


def _gguf_metadata(packed: PackedFile) -> Mapping[str, Any] | None:
    return gguf_header(packed).metadata if packed.table.format == "gguf" else None


def _check_gguf(packed: PackedFile, tensors: list[Tensor]) -> None:
    header = gguf_header(packed)
    parts = header.metadata.get("split.count", 1)
    if isinstance(parts, int) and parts > 1:
        raise ValueError(
            f"{packed.path}: one of {parts} parts of a split model: unpack and merge them first"
        )
    if {info.name for info in header.tensors} != {tensor.name for tensor in tensors}:
        raise FormatError(
            f"{packed.path}: tensors of unknown block types in {packed.source_name}: "
            "unpack it, and open that"
        )
