"""Writing to stdout, and checks before a file is written."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from rich.console import Console

_NARROWEST = 80  # columns that tables need; the terminal wraps longer lines, and cuts nothing
_UNWRAPPED = 10_000  # columns: more than any line has


def console() -> Console:
    """A console for stdout. Without a terminal it has no colours, and lines are not wrapped.

    rich obeys NO_COLOR, FORCE_COLOR and TERM. A COLUMNS of at least 1 is the width, also without a
    terminal; tables never get less than 80 columns.
    """
    return Console(file=sys.stdout, soft_wrap=False, width=_width())


def _width() -> int:
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return max(int(asked), _NARROWEST)
    try:
        found = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):  # a pipe, a file, or no stdout
        return _UNWRAPPED
    return max(found, _NARROWEST)


def check_stdout() -> None:
    """Raise OSError if there is no stdout to write to, as after ``>&-``."""
    if sys.stdout is None:
        raise OSError("standard output is closed; >/dev/null discards the output")


def check_file(path: str) -> None:
    """Raise OSError if no file can be written at `path`. Changes nothing on disk."""
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
    """The text, with characters escaped that the encoding of stdout lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def write(text: str) -> None:
    """Write and flush, so that a closed pipe is noticed here.

    The text is written line by line: where Python does not buffer (PYTHONUNBUFFERED), a write that
    is cut short by a closing pipe counts as done, and only the next one fails.
    """
    check_stdout()
    sys.stdout.writelines(_that_stdout_spells(text).splitlines(keepends=True))
    sys.stdout.flush()
