"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file under another name, then move it into place; text is UTF-8.

    A device or a pipe is written as it is, not replaced.

    Raises
    ------
    ValueError
        If `path` names no file.
    OSError
        If it cannot be written. Nothing is left behind, and an older file stays as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if str(path).startswith(("/dev/", "/proc/")):  # these may lead to files, and stay what they are
        Path(path).write_bytes(data)
        return
    target = Path(os.path.realpath(path))  # behind a link its file is replaced, not the link
    if not Path(path).name:
        raise ValueError(f"path {os.fspath(path)!r}: expected the name of a file to write")
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):  # the reason why writing failed says more
        temporary.unlink(missing_ok=True)
