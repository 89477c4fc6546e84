"""A file mapped into memory, so that its bytes cost no anonymous memory."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from meadow_py.errors import FormatError
from meadow_py.sources.file_size import require_size
from meadow_py.sources.tensor import Bytes

_LFS_POINTER = b"version https://git-lfs"


class MappedFile:
    """The bytes of one file, read-only.

    A file that shrinks while an array that views it is in use kills the process:
    `file_size.FileSize` says which changes are noticed in time.

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
