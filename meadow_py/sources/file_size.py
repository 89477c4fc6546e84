"""Checks that a file still has the size that it had when it was mapped."""

from __future__ import annotations

import os.path
from pathlib import Path

from meadow_py.errors import FormatError


def require_size(path: Path, opened: int, now: int) -> None:
    """Raise FormatError if the size of a file, in bytes, has changed since it was opened."""
    if now != opened:
        raise FormatError(
            f"{path}: changed while it was being read: it had {opened} B when it was opened, and "
            f"has {now} B now. Open it again when it is complete"
        )


class FileSize:
    """The size of a file at the time this object was made.

    Touching a mapped page beyond the end of a file that has shrunk kills the process (SIGBUS), so
    the size is checked before each tensor is read. This narrows the window without closing it: a
    file that shrinks after the check, while an array that views it is in use, still kills the
    process. A change that keeps the size goes unnoticed. Programs that replace models should write
    a new file and rename it, as the hub library does: a mapping keeps the old file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = path.stat()

    def check(self) -> None:
        """Raise FormatError if the size of the file has changed."""
        require_size(self._path, self._found.st_size, self._size())

    def _size(self) -> int:
        """The size now; the old size if another file or none now has this name."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return self._found.st_size
        return now.st_size if os.path.samestat(now, self._found) else self._found.st_size
