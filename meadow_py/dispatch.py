"""`open_checkpoint`, which hands a model to the reader of its kind, by name, path or object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meadow_py.checkpoint.packed_source import open_packed_file, open_packed_folder
from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.folder import is_packed_folder, open_file, open_folder
from meadow_py.sources.memory import is_module, open_arrays, open_module
from meadow_py.sources.model_files import SUFFIXES, local_path, require_hub_id
from meadow_py.sources.safetensors import is_packed


def open_checkpoint(
    model: Any,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Checkpoint:
    """Open a model in any of the supported forms. Only headers are read.

    Parameters
    ----------
    model : str, path, torch.nn.Module, mapping or Checkpoint
        A folder or a file (``.safetensors``, ``.bin``, ``.pt``, ``.pth``, ``.gguf``); a hub id,
        if no folder or file has this name; a module; ``{name: numpy array or torch tensor}``; or
        an open checkpoint, which is returned as it is.
    revision : str, optional
        Branch, tag or commit of a hub id; by default ``main``.
    token : str or bool, optional
        Access token of the hub; by default that of the login or of ``HF_TOKEN``.
    cache_dir : path, optional
        Folder for files from the hub; by default the hub library's cache.
    local_files_only : bool
        Use only files in the cache, as ``HF_HUB_OFFLINE=1`` does.

    Returns
    -------
    Checkpoint
        The tensors and weights of the model; values are read when they are asked for.

    Raises
    ------
    FileNotFoundError
        If there is no such file, hub id or revision, or it holds no weights.
    PermissionError
        If a file or folder may not be read, or the hub wants a token or its licence accepted.
    ConnectionError
        If the hub cannot be reached, or the connection was cut, and the cache does not help.
    FormatError
        If a file is truncated, corrupt, unsafe or newer than this library.
    TypeError, ValueError
        If `model` is none of the above, or holds no tensors.
    """
    if isinstance(model, Checkpoint):
        return model
    if isinstance(model, str | os.PathLike):
        if not str(model):
            raise ValueError("the name of the model is empty: expected a hub id or a path")
        path = local_path(model)
        if path is not None:
            return _open_path(path, str(model))
        require_hub_id(model)
        from meadow_py.sources.hub import Request, open_hub

        where = None if cache_dir is None else Path(cache_dir)
        return open_hub(Request(str(model), revision, token, where, local_files_only))
    if is_module(model):
        return open_module(model)
    if isinstance(model, Mapping):
        return open_arrays(model)
    hint = ': pass {"name": array}' if hasattr(model, "dtype") and hasattr(model, "shape") else ""
    raise TypeError(
        f"a {type(model).__name__} is not a model: expected a hub id, a folder, a file, a "
        f"torch.nn.Module or a dict of arrays{hint}"
    )


def _open_path(path: Path, source: str) -> Checkpoint:
    """A folder or a file, packed or as other tools write it."""
    if path.is_dir():
        packed = is_packed_folder(path)
        return open_packed_folder(path, source) if packed else open_folder(path, source)
    packed = path.suffix.lower() in SUFFIXES and is_packed(path)
    return open_packed_file(path, source) if packed else open_file(path, source)
