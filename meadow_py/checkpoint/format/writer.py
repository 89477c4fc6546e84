"""One file packed into one: regions coded one after another, the source read once from disk."""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import meadow_py
from meadow_py import blobs
from meadow_py.checkpoint.format.layout import (
    REGIONS,
    REST,
    VERSION,
    Stored,
    aligned,
    header,
    room_for_header,
)
from meadow_py.checkpoint.format.region_table import (
    MAX_STORED,
    STORED,
    PackedRegion,
    RegionTable,
    RestEntry,
    stored_names,
    table_to_json,
)
from meadow_py.checkpoint.format.rest import code_rest
from meadow_py.checkpoint.original.region import FileRegions, Region, gaps
from meadow_py.checkpoint.original.regions import find_regions
from meadow_py.checkpoint.original.source_file import Digest, SourceFile
from meadow_py.files.writing import NewFile
from meadow_py.jobs import Stop
from meadow_py.jobs.ordered import in_order

# Bytes up to which tensors are coded side by side, a thread each; larger ones by all threads.
SMALL = 1 << 23
_WINDOW = 1 << 26  # bytes of small tensors under way together

Advance = Callable[[int, int, str], None]  # bytes of the source, bytes written, what of


@dataclass(frozen=True)
class FileJob:
    """What is to be packed into what. Can be pickled.

    Attributes
    ----------
    source, target : path
    name : str
        Of the source, relative to the folder of the model: recorded in the packed file.
    codec : str
    threads : int
    """

    source: Path
    target: Path
    name: str
    codec: str
    threads: int


class FileRecord(NamedTuple):
    """What the manifest says of a packed file; `checksum` is that of its header."""

    size: int
    checksum: str
    source_size: int
    source_sha256: str
    tensors: tuple[str, ...]


def pack_file(job: FileJob, stop: Stop, advance: Advance) -> FileRecord:
    """Pack one file; the result appears whole or not at all.

    Raises
    ------
    FormatError
        If the source is corrupt, or changes meanwhile.
    OSError
        If it cannot be read, or the result not be written.
    """
    with SourceFile(job.source) as source, NewFile(job.target) as target:
        found = find_regions(source)
        names = stored_names(found.regions)
        words = {
            "format": "meadow",
            "version": str(VERSION),
            "software": software(),
            "codec": job.codec,
            "source": job.name,
            "source_size": str(source.size),
        }
        largest = 2 * source.size + 4096 * (len(names) + 2)
        room = room_for_header([*names, REST, REGIONS], words, largest)
        target.write_at(0, b" " * room)
        writer = _Writer(target, room)
        with Digest(source) as digest:
            pairs = list(zip(found.regions, names, strict=True))
            for entry, blob in _coded(source, pairs, digest, job, stop):
                writer.add(entry.stored, blob, aligned(entry.size))
                writer.entries.append(entry)
                advance(entry.region.length, aligned(entry.size), entry.region.name)
                del blob  # before the next one is made
            words["source_sha256"] = digest.finish()
        writer.finish(source, found, words)
        source.check_unchanged()
        target.finish()
    return FileRecord(
        target.size,
        writer.checksum,
        source.size,
        words["source_sha256"],
        tuple(region.name for region in found.regions if region.is_tensor),
    )


def software() -> str:
    """What writes packed files."""
    return f"meadow_py {meadow_py.__version__}"


class _Writer:
    """The data of a packed file behind the room for its header."""

    def __init__(self, target: NewFile, room: int) -> None:
        self._target = target
        self._room = room
        self._stored: list[Stored] = []
        self.entries: list[PackedRegion] = []
        self.checksum = ""

    def add(self, name: str, data: bytes | memoryview, size: int) -> None:
        """Append data as a tensor of `size` bytes, padded with zeros."""
        self._stored.append(Stored(name, self._target.size - self._room, size))
        self._target.append(data)
        if size > len(data):
            self._target.append(bytes(size - len(data)))

    def finish(self, source: SourceFile, found: FileRegions, words: dict[str, str]) -> None:
        """Append the rest and the table, then write the header in front."""
        rest = b"".join(source.read(a, b - a).data for a, b in gaps(found.regions, source.size))
        coding, coded = code_rest(rest)
        self.add(REST, coded, len(coded))
        entry = RestEntry(coding, len(coded), len(rest), zlib.crc32(coded))
        table = table_to_json(RegionTable(found.format, tuple(self.entries), entry, found.views))
        self.add(REGIONS, table, len(table))
        words["regions_sha256"] = hashlib.sha256(table).hexdigest()
        made = header(self._stored, words, self._room)
        self._target.write_at(0, made)
        self.checksum = hashlib.sha256(made).hexdigest()


def _coded(
    source: SourceFile,
    pairs: Sequence[tuple[Region, str]],
    digest: Digest,
    job: FileJob,
    stop: Stop,
) -> Iterator[tuple[PackedRegion, memoryview]]:
    """All regions in order: runs of small ones side by side, large ones with all threads."""
    for run in _runs(pairs):
        threads = job.threads if len(run) == 1 else 1
        code = functools.partial(_code, source, job.codec, threads, stop)
        tasks = (
            (region.length, functools.partial(code, region, name, digest.region(region)))
            for region, name in run
        )
        if len(run) == 1:
            yield from (task() for _, task in tasks)
            source.release(run[0][0].offset, run[0][0].end)
        else:
            with closing(in_order(tasks, job.threads, _WINDOW)) as window:
                yield from window
            source.release(run[0][0].offset, run[-1][0].end)


def _code(
    source: SourceFile,
    codec: str,
    threads: int,
    stop: Stop,
    region: Region,
    stored: str,
    crc32: Future[int],
) -> tuple[PackedRegion, memoryview]:
    stop.check()
    if region.length == 0:
        return PackedRegion(region, stored, STORED, 0, crc32.result()), memoryview(b"")
    raw = source.read(region.offset, region.length)
    blob = blobs.encode(raw, region.dtype, region.shape, codec=codec, threads=threads)
    if region.length <= MAX_STORED and blob.size >= region.length:
        return PackedRegion(region, stored, STORED, raw.size, crc32.result()), raw.data
    made = PackedRegion(region, stored, blobs.info(blob).codec, blob.size, crc32.result())
    return made, blob.data


def _runs(pairs: Sequence[tuple[Region, str]]) -> Iterator[list[tuple[Region, str]]]:
    """Large regions alone, small ones that follow each other together."""
    for small, run in itertools.groupby(pairs, key=lambda pair: pair[0].length <= SMALL):
        if small:
            yield list(run)
        else:
            yield from ([pair] for pair in run)
