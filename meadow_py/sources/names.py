"""Whether the name of a model stands for a path on this machine or for a hub id."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from meadow_py.sources.selection import SUFFIXES

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
# "name" or "owner/name", as the hub allows.
_HUB_ID = re.compile(rf"{_PART}(/{_PART})?")
_HUB_ADDRESS = re.compile(
    rf"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/({_PART}/{_PART})(?:[/?#].*)?"
)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL)


def local_path(model: str | os.PathLike[str]) -> Path | None:
    """The folder or regular file of this name, or None if there is none.

    Raises
    ------
    PermissionError
        If a folder on the way may not be searched, so that its contents are unknown.
    FileNotFoundError
        If it is a symbolic link whose target is missing.
    ValueError
        If it is a device, a pipe or a socket.
    """
    path = _expanded(model)
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL in the name
        return None
    except PermissionError as error:
        raise PermissionError(
            error.errno, "no permission to look at it, so it was not opened", str(path)
        ) from error
    except OSError as error:
        require_target(path)
        if error.errno in _NOT_THERE:
            return None
        raise
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise ValueError(f"{path}: not a regular file, but a device, a pipe or a socket")
    return path


def require_target(path: Path) -> None:
    """Raise FileNotFoundError if `path` is a symbolic link whose target is missing."""
    try:
        target = path.readlink()
    except (OSError, ValueError):
        return
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: a dangling link: its target {target} is missing. Download or copy the file "
            "again"
        )


def require_hub_id(model: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError if `model` was meant as a path, or cannot be a hub id."""
    text = str(model)
    address = _HUB_ADDRESS.fullmatch(text)
    if address:
        raise FileNotFoundError(
            f"{text!r} is an address: name the model by its hub id, {address[1]!r}"
        )
    is_path = not isinstance(model, str) or text.endswith(SUFFIXES)
    if is_path or not _HUB_ID.fullmatch(text) or "--" in text or ".." in text:
        raise FileNotFoundError(
            f"{text!r} is neither a folder nor a file (looked in "
            f"{_expanded(model).absolute().parent}) nor a hub id like 'facebook/opt-125m'"
        )


def _expanded(model: str | os.PathLike[str]) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError:  # "~name", where no user has this name
        return Path(model)
