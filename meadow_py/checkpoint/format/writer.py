"""Packs files: codes one region after another and reads each source once from disk.

The files of a model are packed in turn or on an executor. Finished files are kept.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
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
    HeaderEntry,
    aligned,
    header,
    padded_sha256,
    room_for_header,
)
from meadow_py.checkpoint.format.reader import FileRecord, PackedFile, record_of
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
from meadow_py.checkpoint.original.rebuild import rebuild
from meadow_py.checkpoint.original.region import FileRegions, Region, gaps
from meadow_py.checkpoint.original.source_file import Digest, SourceFile, find_regions
from meadow_py.errors import FormatError
from meadow_py.files.disk import NewFile
from meadow_py.jobs import Stop, each
from meadow_py.jobs.progress import Meter
from meadow_py.jobs.tasks import in_order

# Tensors up to this many bytes are coded in parallel, one thread each; larger ones by all threads.
SMALL = 1 << 23
_WINDOW = 1 << 26  # bytes of small tensors in flight together

Advance = Callable[[int, int, str], None]  # bytes of the source, bytes written, name


@dataclass(frozen=True)
class FileJob:
    """A file to pack, and where to. It can be pickled.

    Attributes
    ----------
    source, target : path
    name : str
        Name of the source relative to the folder of the model, recorded in the packed file.
    codec : str
    threads : int
    """

    source: Path
    target: Path
    name: str
    codec: str
    threads: int


def pack_file(job: FileJob, stop: Stop, advance: Advance) -> FileRecord:
    """Pack one file. The result appears whole or not at all.

    Raises
    ------
    FormatError
        If the source is corrupt, or changes while it is packed.
    OSError
        If the source cannot be read, or the result cannot be written.
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
            for entry, blob, sha256 in _coded(source, pairs, digest, job, stop):
                writer.add(entry.stored, blob, sha256, aligned(entry.size))
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
    """The name and version of the software that writes packed files."""
    return f"meadow_py {meadow_py.__version__}"


class _Coded(NamedTuple):
    """A region as it is stored, and the SHA-256 of its bytes with their padding."""

    entry: PackedRegion
    data: memoryview
    sha256: bytes


class _Writer:
    """Writes the data of a packed file after the room for its header."""

    def __init__(self, target: NewFile, room: int) -> None:
        self._target = target
        self._room = room
        self._stored: list[HeaderEntry] = []
        self.entries: list[PackedRegion] = []
        self.checksum = ""
        self._digests = hashlib.sha256()  # of the SHA-256 of every tensor

    def add(self, name: str, data: bytes | memoryview, digest: bytes, size: int) -> None:
        """Append data as a tensor of `size` bytes, padded with zeros; `digest` is its SHA-256."""
        self._stored.append(HeaderEntry(name, self._target.size - self._room, size))
        self._target.append(data)
        if size > len(data):
            self._target.append(bytes(size - len(data)))
        self._digests.update(digest)

    def finish(self, source: SourceFile, found: FileRegions, words: dict[str, str]) -> None:
        """Append the rest and the table, then write the header in front."""
        rest = b"".join(source.read(a, b - a).data for a, b in gaps(found.regions, source.size))
        coding, coded = code_rest(rest)
        self.add(REST, coded, hashlib.sha256(coded).digest(), len(coded))
        words["data_sha256"] = self._digests.hexdigest()
        entry = RestEntry(coding, len(coded), len(rest), zlib.crc32(coded))
        table = table_to_json(RegionTable(found.format, tuple(self.entries), entry, found.views))
        self.add(REGIONS, table, b"", len(table))
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
) -> Iterator[_Coded]:
    """All regions in order: runs of small ones in parallel, each large one with all threads."""
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
) -> _Coded:
    stop.check()
    if region.length == 0:
        return _coded_of(PackedRegion(region, stored, STORED, 0, crc32.result()), memoryview(b""))
    raw = source.read(region.offset, region.length)
    blob = blobs.encode(raw, region.dtype, region.shape, codec=codec, threads=threads)
    if region.length <= MAX_STORED and blob.size >= region.length:
        return _coded_of(PackedRegion(region, stored, STORED, raw.size, crc32.result()), raw.data)
    info = blobs.info(blob)
    head = zlib.crc32(blob[: info.head_bytes].data)
    made = PackedRegion(region, stored, info.codec, blob.size, crc32.result(), head)
    return _coded_of(made, blob.data)


def _coded_of(entry: PackedRegion, data: memoryview) -> _Coded:
    """The digest is made by the thread that codes."""
    return _Coded(entry, data, padded_sha256(data, aligned(entry.size)))


def _runs(pairs: Sequence[tuple[Region, str]]) -> Iterator[list[tuple[Region, str]]]:
    """Groups of regions: each large one alone, consecutive small ones together."""
    for small, run in itertools.groupby(pairs, key=lambda pair: pair[0].length <= SMALL):
        if small:
            yield list(run)
        else:
            yield from ([pair] for pair in run)


class Made(NamedTuple):
    """The result of a job, and whether an earlier call had finished it."""

    record: FileRecord
    kept: bool


def pack_files(
    jobs: Sequence[FileJob], executor: Executor | None, meter: Meter
) -> tuple[Made, ...]:
    """Pack each file that is not packed yet."""
    if executor is None:
        stop = Stop()
        return tuple(_keep_or_pack(job, stop, meter.packed) for job in jobs)
    stop, made = Stop(), {}
    for n, found in each(_FilePacker(stop), jobs, executor, stop):
        made[n] = found
        meter.packed(found.record.source_size, found.record.size, jobs[n].name)
    return tuple(made[n] for n in range(len(jobs)))


@dataclass(frozen=True)
class _FilePacker:
    """Packs a file in another thread or process, so it can be pickled."""

    stop: Stop

    def __call__(self, job: FileJob) -> Made:
        return _keep_or_pack(job, self.stop, lambda _read, _written, _name: None)


def _keep_or_pack(job: FileJob, stop: Stop, advance: Advance) -> Made:
    stop.check()
    record = _finished(job, stop)
    if record is None:
        return Made(pack_file(job, stop, advance), kept=False)
    advance(record.source_size, record.size, job.name)
    return Made(record, kept=True)


def _finished(job: FileJob, stop: Stop) -> FileRecord | None:
    """The file packed earlier, if it is of this source and decodes to it; else None."""
    if not job.target.is_file():
        return None
    try:
        with PackedFile(job.target) as packed:
            words = packed.metadata
            wanted = (str(VERSION), software(), job.codec, job.name)
            found = tuple(words[key] for key in ("version", "software", "codec", "source"))
            if found != wanted:
                return None
            if packed.source_sha256 != file_sha256(job, stop):
                return None
            rebuild(packed, job.threads, lambda _piece: stop.check(), lambda _size, _name: None)
            return record_of(packed)
    except FormatError:
        return None


def file_sha256(job: FileJob, stop: Stop) -> str:
    """SHA-256 of the source."""
    digest = hashlib.sha256()
    with SourceFile(job.source) as source:
        for piece in source.pieces(0, source.size):
            stop.check()
            digest.update(piece)
        source.check_unchanged()
    return digest.hexdigest()
