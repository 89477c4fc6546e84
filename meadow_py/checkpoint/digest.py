"""Checksums of a source file, computed beside the coding of its tensors."""

from __future__ import annotations

import hashlib
import zlib
from concurrent.futures import Future, ThreadPoolExecutor

from meadow_py.checkpoint.regions import Region
from meadow_py.checkpoint.source_file import SourceFile


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
