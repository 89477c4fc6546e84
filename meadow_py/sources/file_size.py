"""Whether a file is still as long as when it was mapped."""

from __future__ import annotations

import os.path
from pathlib import Path

from meadow_py.errors import FormatError


def require_size(path: Path, opened: int, now: int) -> None:
    """Raise FormatError if a file has another size in bytes than when it was opened."""
    if now != opened:
        raise FormatError(
            f"{path}: changed while it was being read: it had {opened} B when it was opened, and "
            f"has {now} B now. Open it again when it is complete"
        )


class FileSize:
    """The size of a file when this was made.

    Touching a mapped page behind the end of a file that shrank kills the process (SIGBUS), so the
    size is looked up again before each tensor is read. That closes no window: a file that shrinks
    after the look, while an array that views it is in use, still kills the process. Nor is a
    change noticed that keeps the size. Whoever writes models should write beside and rename, as
    the hub library does: a mapping keeps the old file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = path.stat()

    def check(self) -> None:
        """Raise FormatError if the file has another size now."""
        require_size(self._path, self._found.st_size, self._size())

    def _size(self) -> int:
        """The size now; that of the mapped file where another file or none has its name now."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return self._found.st_size
        return now.st_size if os.path.samestat(now, self._found) else self._found.st_size
