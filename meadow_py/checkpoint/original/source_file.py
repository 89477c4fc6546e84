"""A source file that is mapped and read once from start to end, its regions and its checksums."""

from __future__ import annotations

import dataclasses
import hashlib
import mmap
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from meadow_py.checkpoint.original.region import (
    FileRegions,
    Region,
    in_order,
    with_bounded_rest,
)
from meadow_py.errors import FormatError
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.model_files import PYTORCH_SUFFIXES
from meadow_py.sources.safetensors import read_safetensors

_PIECE = 1 << 20  # bytes hashed at a time: Ctrl-C takes effect between two pieces


class SourceFile(MappedFile):
    """A mapped file that detects changes, as a context manager."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._opened = _state(path)

    def pieces(self, begin: int, end: int) -> Iterator[memoryview]:
        """The bytes from `begin` to `end`, in small pieces."""
        for offset in range(begin, end, _PIECE):
            yield self.read(offset, min(_PIECE, end - offset)).data

    def release(self, begin: int, end: int) -> None:
        """Release whole pages; they are read again when they are next touched."""
        page = mmap.PAGESIZE
        first, last = -(-begin // page) * page, end // page * page
        if self._map is not None and last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)

    def check_unchanged(self) -> None:
        """Raise FormatError if the file has been written to or replaced since it was opened."""
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
    """Computes SHA-256 of the file and CRC-32 of its regions on a thread; a context manager.

    It keeps pace with the coding of tensors, so that both read a page while it is in memory.
    """

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._sha256 = hashlib.sha256()
        self._reached = 0
        self._pool = ThreadPoolExecutor(1, "meadow-sha256")
        self._end = source.size

    def region(self, region: Region) -> Future[int]:
        """Continue to the end of a region; return its CRC-32."""
        begin, self._reached = self._reached, region.end
        return self._pool.submit(self._go_on, begin, region.offset, region.end)

    def finish(self) -> str:
        """Continue to the end of the file; return its SHA-256."""
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


def find_regions(mapped: MappedFile) -> FileRegions:
    """The regions of a file, by the format that its suffix names.

    Raises
    ------
    FormatError
        If a safetensors or GGUF file is truncated or corrupt. Unrecognised parts of PyTorch files
        are treated as bytes.
    """
    suffix = mapped.path.suffix.lower()
    found = FileRegions("bytes", ())
    if suffix == ".safetensors":
        found = safetensors_regions(mapped)
    elif suffix == ".gguf":
        from meadow_py.checkpoint.original.gguf import gguf_regions

        found = gguf_regions(mapped)
    elif suffix in PYTORCH_SUFFIXES:
        from meadow_py.checkpoint.original.pytorch import pytorch_regions

        found = pytorch_regions(mapped)
    regions = with_bounded_rest(found.regions, mapped.size)
    if found.views is None or regions == found.regions:
        return dataclasses.replace(found, regions=regions)
    place = {region: number for number, region in enumerate(regions)}
    moved = [place[region] for region in found.regions]
    views = tuple(dataclasses.replace(view, region=moved[view.region]) for view in found.views)
    return FileRegions(found.format, regions, views)


def safetensors_regions(mapped: MappedFile) -> FileRegions:
    """Every tensor.

    Raises
    ------
    FormatError
        If the file breaks a rule of the format.
    """
    tensors, again = read_safetensors(mapped.path)
    again.close()
    reached = mapped.size - sum(tensor.nbytes for tensor in tensors)
    regions = []
    for tensor in tensors:  # in the order of their data, without holes
        regions.append(Region(tensor.name, tensor.dtype, tensor.shape, reached, tensor.nbytes))
        reached += tensor.nbytes
    return FileRegions("safetensors", in_order(regions, mapped.size))
