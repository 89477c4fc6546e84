"""A file mapped into memory, so that its bytes cost no anonymous memory."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from meadow_py.errors import FormatError
from meadow_py.sources.tensor import Bytes


def require_size(path: Path, opened: int, now: int) -> None:
    """Raise FormatError if the size of a file, in bytes, has changed since it was opened."""
    if now != opened:
        raise FormatError(
            f"{path}: changed while it was being read: it had {opened} B when it was opened, and "
            f"has {now} B now. Open it again when it is complete"
        )


_LFS_POINTER = b"version https://git-lfs"


class MappedFile:
    """The bytes of one file, read-only.

    Touching a mapped page beyond the end of a file that has shrunk kills the process (SIGBUS), so
    the size is checked before each read. This narrows the window without closing it: a file that
    shrinks after the check, while an array that views it is in use, still kills the process. A
    change that keeps the size goes unnoticed. Programs that replace models should write a new file
    and rename it, as the hub library does: a mapping keeps the old file.

    Raises
    ------
    FormatError
        If the file is empty, or is a Git LFS pointer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
            if not start:
                raise FormatError(f"{path}: the file is empty")
            if start == _LFS_POINTER:
                raise FormatError(
                    f"{path}: a Git LFS pointer, not the file itself: run `git lfs pull`"
                )
            self._map: mmap.mmap | None = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self._map)

    def read(self, offset: int, size: int) -> Bytes:
        """A read-only view of `size` bytes at `offset`; FormatError if the file was resized."""
        if self._map is None:
            raise ValueError(f"{self.path}: the checkpoint was closed")
        require_size(self.path, self.size, self._map.size())
        return np.frombuffer(self._map, dtype=np.uint8, count=size, offset=offset)

    def close(self) -> None:
        """Drop the mapping. It ends when the last array that views it is gone."""
        self._map = None
