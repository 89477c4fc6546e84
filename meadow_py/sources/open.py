"""`open_checkpoint`: from whatever names a model to its checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meadow_py.sources.arrays import open_arrays
from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.folder import open_file, open_folder
from meadow_py.sources.module import is_module, open_module
from meadow_py.sources.selection import SUFFIXES

# "name" or "owner/name", as the hub allows.
_HUB_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?")


def open_checkpoint(
    model: Any,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Checkpoint:
    """Open a model, whatever it is stored in. Only headers are read.

    Parameters
    ----------
    model : str, path, torch.nn.Module, mapping or Checkpoint
        A folder or a file (``.safetensors``, ``.bin``, ``.pt``, ``.pth``, ``.gguf``); a hub id,
        if no folder or file has this name; a module; ``{name: numpy array or torch tensor}``; or
        an open checkpoint, which is returned as it is.
    revision : str, optional
        Branch, tag or commit of a hub id; by default ``main``.
    token : str or bool, optional
        Access token of the hub; by default the one that is logged in or in ``HF_TOKEN``.
    cache_dir : path, optional
        Where the hub's files are kept; by default the hub library's cache.
    local_files_only : bool
        Use the cache alone; the same as ``HF_HUB_OFFLINE=1``.

    Raises
    ------
    FileNotFoundError
        If there is no such file, hub id or revision, or no weights in it.
    PermissionError
        If the hub wants a token, or its licence to be accepted.
    ConnectionError
        If the hub cannot be reached, or the connection was cut, and the cache does not help.
    FormatError
        If a file is truncated, corrupt, unsafe or newer than this library.
    TypeError, ValueError
        If `model` is nothing of the above, or holds no tensors.
    """
    if isinstance(model, Checkpoint):
        return model
    if isinstance(model, str | os.PathLike):
        if not str(model):
            raise ValueError("the name of the model is empty: expected a hub id or a path")
        path = Path(model).expanduser()
        if _exists(path):
            return open_file(path, str(model)) if path.is_file() else open_folder(path, str(model))
        _require_hub_id(model, path)
        from meadow_py.sources.hub import Request, open_hub

        where = None if cache_dir is None else Path(cache_dir)
        return open_hub(Request(str(model), revision, token, where, local_files_only))
    if is_module(model):
        return open_module(model)
    if isinstance(model, Mapping):
        return open_arrays(model)
    raise TypeError(
        f"a {type(model).__name__} is no model: expected a hub id, a folder, a file, a "
        "torch.nn.Module or a dict of arrays"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _require_hub_id(model: str | os.PathLike[str], path: Path) -> None:
    """Raise FileNotFoundError if it was meant as a path, or cannot be a hub id."""
    text = str(model)
    is_path = not isinstance(model, str) or text.endswith(SUFFIXES)
    if is_path or not _HUB_ID.fullmatch(text) or "--" in text or ".." in text:
        raise FileNotFoundError(
            f"{text!r} is neither a folder or file (looked in {path.absolute().parent}) nor a "
            "hub id like 'facebook/opt-125m'"
        )
