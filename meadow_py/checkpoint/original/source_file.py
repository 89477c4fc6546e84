"""A source file, mapped and read once from start to end, with its checksums."""

from __future__ import annotations

import hashlib
import mmap
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from meadow_py.checkpoint.original.region import Region
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


class Digest:
    """SHA-256 of the file and CRC-32 of its regions, on a thread of its own. A context manager.

    Follows the coding of tensors, so that both read a page of the file while it is in memory.
    """

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._sha256 = hashlib.sha256()
        self._reached = 0
        self._pool = ThreadPoolExecutor(1, "meadow-sha256")
        self._end = source.size

    def region(self, region: Region) -> Future[int]:
        """Go on to the end of a region; its CRC-32."""
        begin, self._reached = self._reached, region.end
        return self._pool.submit(self._go_on, begin, region.offset, region.end)

    def finish(self) -> str:
        """Go on to the end of the file; its SHA-256."""
        self._pool.submit(self._go_on, self._reached, self._end, self._end).result()
        return self._sha256.hexdigest()

    def _go_on(self, begin: int, offset: int, end: int) -> int:
        for piece in self._source.pieces(begin, offset):
            self._sha256.update(piece)
        crc = 0
        for piece in self._source.pieces(offset, end):
            self._sha256.update(piece)
            crc = zlib.crc32(piece, crc)
        return crc

    def __enter__(self) -> Digest:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
