"""A file that is read once from its start to its end, mapped, its pages let go on the way."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from meadow_py.errors import FormatError
from meadow_py.sources.mapped import MappedFile

_PIECE = 1 << 20  # bytes of a checksum at a time: Ctrl-C is heard between two pieces


class SourceFile(MappedFile):
    """A mapped file that notices changes. A context manager."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._opened = _state(path)

    def pieces(self, begin: int, end: int) -> Iterator[memoryview]:
        """The bytes from `begin` to `end`, a little at a time."""
        for offset in range(begin, end, _PIECE):
            yield self.read(offset, min(_PIECE, end - offset)).data

    def release(self, begin: int, end: int) -> None:
        """Let go of whole pages; they are read again when they are touched again."""
        page = mmap.PAGESIZE
        first, last = -(-begin // page) * page, end // page * page
        if self._map is not None and last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)

    def check_unchanged(self) -> None:
        """Raise FormatError if the file was written to or replaced since it was opened."""
        if _state(self.path) != self._opened:
            raise FormatError(
                f"{self.path}: changed while it was being read: pack it again when it is complete"
            )

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _state(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
