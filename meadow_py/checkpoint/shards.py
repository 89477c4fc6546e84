"""The packed files of a model, made one after another or on an executor; finished ones are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.format.writer import Advance, FileJob, FileRecord, pack_file, software
from meadow_py.checkpoint.original.rebuild import rebuild
from meadow_py.checkpoint.original.source_file import SourceFile
from meadow_py.errors import FormatError
from meadow_py.jobs import Stop, each
from meadow_py.jobs.progress import Meter


class Made(NamedTuple):
    """What came of a job, and whether it had been done before."""

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
    for n, found in each(_Elsewhere(stop), jobs, executor, stop):
        made[n] = found
        meter.packed(found.record.source_size, found.record.size, jobs[n].name)
    return tuple(made[n] for n in range(len(jobs)))


@dataclass(frozen=True)
class _Elsewhere:
    """Packs a file in another thread or process: only what can be pickled."""

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
    """What is packed already, if it is of this source and decodes to it; else None."""
    if not job.target.is_file():
        return None
    try:
        with PackedFile(job.target) as packed:
            words = packed.metadata
            wanted = (software(), job.codec, job.name)
            if (words["software"], words["codec"], words["source"]) != wanted:
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


def record_of(packed: PackedFile) -> FileRecord:
    """What the manifest says of a packed file."""
    tensors = [entry.region for entry in packed.table.regions if entry.region.is_tensor]
    return FileRecord(
        packed.size,
        packed.header_sha256,
        packed.source_size,
        packed.source_sha256,
        tuple(region.name for region in tensors),
    )
