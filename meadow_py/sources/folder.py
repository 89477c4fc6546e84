"""Checkpoints from a folder or a file on disk."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from meadow_py.errors import FormatError
from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.model_files import (
    PACKED_MANIFEST,
    PACKED_SUFFIX,
    PYTORCH_SUFFIXES,
    SUFFIXES,
    Selection,
    WeightMap,
    holds_weights,
    of_shard,
    read_index,
    require_shards,
    require_target,
    select_weights,
    shards,
)
from meadow_py.sources.pytorch import read_pytorch
from meadow_py.sources.safetensors import is_packed, read_safetensors
from meadow_py.sources.strict_json import read_object
from meadow_py.sources.tensor import Tensor
from meadow_py.spelling import quoted

_CONFIG = "config.json"


def open_folder(folder: Path, source: str) -> Checkpoint:
    """The model in a folder, as saved by Transformers or as loose weight files.

    Raises
    ------
    FileNotFoundError
        If the folder holds no weights, a shard that the index names is missing, or a file is a
        link whose target is missing.
    FormatError
        If a file is truncated or corrupt, or does not match the index.
    """
    names = file_names(folder)
    names = _not_packed(folder, names) or names
    return open_selection(folder, select_weights(names, str(folder)), source)


def is_packed_folder(folder: Path) -> bool:
    """Whether a folder was written by `pack`.

    It has a manifest; or, if it is incomplete, packed files and no other weights. A packed file
    beside the file that it was made from does not make their folder a packed one.
    """
    names = file_names(folder)
    if PACKED_MANIFEST in names:
        return True
    return any(name.endswith(PACKED_SUFFIX) for name in names) and not _not_packed(folder, names)


def _not_packed(folder: Path, names: list[str]) -> list[str]:
    """The names of files that `pack` did not write; none if there are no weights among them."""
    kept = [
        name
        for name in names
        if not name.endswith(PACKED_SUFFIX)
        and not (holds_weights(name) and (folder / name).is_file() and is_packed(folder / name))
    ]
    return kept if any(map(holds_weights, kept)) else []


def file_names(folder: Path) -> list[str]:
    """The files in a folder. Broken links are included, so that no other file replaces them."""
    found = folder.iterdir()
    return [path.name for path in found if path.is_file() or not path.exists()]


def open_file(path: Path, source: str) -> Checkpoint:
    """The model in one weight file; a ``config.json`` beside it is used."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: not a known weight file: expected one of {', '.join(SUFFIXES)}")
    pytorch = suffix in PYTORCH_SUFFIXES
    kind = "pytorch" if pytorch else suffix.removeprefix(".")
    return open_selection(path.parent, Selection(kind, (path.name,)), source)


def open_selection(folder: Path, selection: Selection, source: str) -> Checkpoint:
    """The model in the chosen files of a folder."""
    reopen = functools.partial(open_selection, folder.absolute(), selection, source)
    for file in (*selection.files, selection.index_file, _CONFIG):
        if file is not None:
            require_target(folder / file)
    if selection.format == "gguf":
        from meadow_py.sources.gguf import read_gguf

        tensors, metadata, mapped = read_gguf(folder / selection.files[0])
        return _checkpoint(source, "gguf", tensors, metadata, [mapped.close], reopen)
    config = _config(folder)
    tensors, closers = _read_all(folder, selection)
    return _checkpoint(source, selection.format, tensors, config, closers, reopen)


def _checkpoint(
    source: str,
    kind: str,
    tensors: Iterable[Tensor],
    config: Mapping[str, Any] | None,
    closers: list[Callable[[], None]],
    reopen: Callable[[], Checkpoint],
) -> Checkpoint:
    def close() -> None:
        for closer in closers:
            closer()

    return Checkpoint(source, kind, tensors, config, close, reopen)


def _config(folder: Path) -> Mapping[str, Any] | None:
    path = folder / _CONFIG
    return read_object(path) if path.is_file() else None


def _read_all(folder: Path, selection: Selection) -> tuple[list[Tensor], list[Callable[[], None]]]:
    weight_map = WeightMap()
    files: Iterable[str] = selection.files
    index = folder / (selection.index_file or "")
    if selection.index_file is not None:
        weight_map = read_index(index, selection.format)
        require_shards(folder, index, weight_map)
        files = shards(weight_map)
    tensors: dict[str, Tensor] = {}
    closers: list[Callable[[], None]] = []
    for file in files:
        held = _read(folder / file, selection.format, closers)
        if selection.index_file is not None:
            names = of_shard(index, weight_map, file, held)
            held = [tensor for tensor in held if tensor.name in names]
        _add(tensors, held)
    return list(tensors.values()), closers


def _read(path: Path, kind: str, closers: list[Callable[[], None]]) -> list[Tensor]:
    if kind != "pytorch" and is_packed(path):
        raise FormatError(f"{path}: a packed file among files that are not: name the file to open")
    tensors, mapped = read_pytorch(path) if kind == "pytorch" else read_safetensors(path)
    closers.append(mapped.close)
    return tensors


def _add(tensors: dict[str, Tensor], held: list[Tensor]) -> None:
    for tensor in held:
        if tensor.name in tensors:
            raise FormatError(
                f"tensor {quoted(tensor.name)} is in {tensors[tensor.name].file} and in "
                f"{tensor.file}: different models in one folder? Name the file to open"
            )
        tensors[tensor.name] = tensor
