"""What commands write on stdout."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from rich.console import Console


def console() -> Console:
    """For stdout; 80 columns wide and without colours where that is no terminal.

    NO_COLOR, FORCE_COLOR, COLUMNS and TERM are obeyed, as rich does.
    """
    return Console(file=sys.stdout, soft_wrap=False)


def check_stdout() -> None:
    """Raise OSError where there is no stdout to write on, as after ``>&-``."""
    if sys.stdout is None:
        raise OSError("standard output is closed: nowhere to write; >/dev/null discards it")


def check_file(path: str) -> None:
    """Raise OSError where no file can be written at `path`. Touches nothing."""
    target = Path(path)
    folder = target.parent
    if target.is_dir():
        raise IsADirectoryError(f"{path!r} is a folder: expected the name of a file to write")
    if not folder.exists():
        raise FileNotFoundError(f"cannot write {path!r}: there is no folder {str(folder)!r}")
    if not folder.is_dir():
        raise NotADirectoryError(f"cannot write {path!r}: {str(folder)!r} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        said = os.strerror(errno.EACCES)
        raise PermissionError(f"cannot write {path!r}: folder {str(folder)!r}: {said}")


def _that_stdout_spells(text: str) -> str:
    """The text; what the encoding of stdout lacks is escaped, so that none of the rest is lost."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def write(text: str) -> None:
    """Write and flush, so that a reader who has gone is noticed here.

    Line by line: where Python does not buffer (PYTHONUNBUFFERED), a write that a leaving reader
    cuts short counts as done, and only the next one fails.
    """
    check_stdout()
    sys.stdout.writelines(_that_stdout_spells(text).splitlines(keepends=True))
    sys.stdout.flush()
