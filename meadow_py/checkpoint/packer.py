"""`pack`: a model into a packed folder or file."""

from __future__ import annotations

import functools
import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meadow_py import blobs
from meadow_py.checkpoint.existing import is_packed_from, keeps
from meadow_py.checkpoint.format.card import model_card, packed_config
from meadow_py.checkpoint.format.manifest import (
    CARD,
    MANIFEST,
    CarriedEntry,
    Manifest,
    PackedEntry,
    manifest_to_json,
)
from meadow_py.checkpoint.format.writer import FileJob, software
from meadow_py.checkpoint.inspection import Inspection, inspect
from meadow_py.checkpoint.plan import CONFIG, Plan, PlannedFile, plan_file, plan_folder
from meadow_py.checkpoint.shards import Made, pack_files
from meadow_py.errors import FormatError
from meadow_py.files import writing
from meadow_py.files.partial import Partial, not_free, refuse_overlap, resolved
from meadow_py.files.writing import copy, sha256_of
from meadow_py.jobs.ordered import used_threads
from meadow_py.jobs.progress import Meter
from meadow_py.sources.names import local_path, require_hub_id

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Packed:
    """What `pack` made.

    Attributes
    ----------
    path : path
        The packed folder or file.
    inspection : Inspection
        What is in it.
    seconds : float
        Wall time.
    kept : tuple of str
        Original files that had been packed before, and were found to be right.
    """

    path: Path
    inspection: Inspection
    seconds: float
    kept: tuple[str, ...]

    def __repr__(self) -> str:
        from meadow_py.views.terminal.packed import packed_text

        return packed_text(self.inspection)


def pack(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    codec: str = "auto",
    overwrite: bool = False,
    threads: int | None = 0,
    executor: Executor | None = None,
    progress: bool | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Packed:
    """Pack a model losslessly: every bit of every file comes back with `unpack`.

    Large tensors are in memory one at a time, packed. The target appears when it is complete;
    until then the work lies in a hidden folder beside it, and the same call goes on from there.

    Parameters
    ----------
    source : str or path
        A folder, a weight file (``.safetensors``, ``.bin``, ``.pt``, ``.pth``, ``.gguf``) or a hub
        id, if no folder or file has this name.
    target : str or path
        The packed folder. For a weight file a name that ends in ``.safetensors`` makes one packed
        file without a folder. If it is there already and of this source, it is verified.
    codec : {"auto", "fast", "small", "huffman", "raw", "planes"}
        See `meadow_py.blobs.encode`: ``fast`` decodes faster, ``small`` is smaller, ``planes`` is
        run from the mapped file without being decoded.
    overwrite : bool
        Replace a packed folder or file that is there already.
    threads : int or None
        0 or None uses all cores. Changes no bit of the result.
    executor : concurrent.futures.Executor, optional
        Packs the files of a sharded model elsewhere, one for each task. Its workers must see
        source and target under the same names.
    progress : bool or None
        A bar on stderr; None shows it in a terminal and in Jupyter.
    revision, token, cache_dir, local_files_only
        Of a hub id, as in `open_checkpoint`.

    Raises
    ------
    FileExistsError
        If the target is there and is of another source.
    FileNotFoundError
        If there is no such source, no weights in it, or no folder for the target.
    FormatError
        If a file of the source is corrupt, or changes meanwhile.
    ValueError
        If source or target is inside of the other, or the source is packed already.
    OSError
        If anything cannot be read or written: no permission, no space left. What is finished
        stays in the hidden folder.
    """
    begun = time.perf_counter()
    if codec not in blobs.CODECS:
        raise ValueError(f"codec {codec!r}: expected one of {', '.join(blobs.CODECS)}")
    used = used_threads(threads or 0)
    plan = plan_of(Source(source, revision, token, cache_dir, local_files_only))
    path = resolved(target)
    refuse_overlap(plan.root, path)
    single = plan.is_file and path.suffix == ".safetensors"
    size = sum(file.source.stat().st_size for file in plan.packed)
    _require_readable(plan, codec)
    with Meter(size, "pack", progress) as meter:
        if is_packed_from(path, plan, codec, overwrite, used, meter):
            kept = tuple(file.name for file in plan.packed)
        else:
            made = _make(plan, path, single, codec, overwrite, used, executor, meter)
            kept = tuple(f.name for f, m in zip(plan.packed, made, strict=True) if m.kept)
    return Packed(path, inspect(target), time.perf_counter() - begun, kept)


def _require_readable(plan: Plan, codec: str) -> None:
    """What is only read in the end fails now, rather than after hours."""
    for file in plan.carried:
        with file.source.open("rb"):
            pass
        if file.name == CONFIG:
            packed_config(file.source, codec)


def _make(
    plan: Plan,
    target: Path,
    single: bool,
    codec: str,
    overwrite: bool,
    threads: int,
    executor: Executor | None,
    meter: Meter,
) -> tuple[Made, ...]:
    refuses = functools.partial(keeps, plan=plan) if overwrite else not_free
    with Partial(target) as partial:
        names = [target.name] if single else [file.target for file in plan.files]
        partial.keep_only(names)
        jobs = [
            FileJob(file.source, partial.folder / name, file.name, codec, threads)
            for file, name in zip(plan.packed, names if single else _targets(plan), strict=True)
        ]
        for job in jobs:
            writing.make_folder(job.target.parent)
        made = pack_files(jobs, executor, meter)
        if not single:
            _complete(plan, partial.folder, codec, made)
        partial.publish(target.name if single else None, refuses)
    return made


def _targets(plan: Plan) -> list[str]:
    return [file.target for file in plan.packed]


def _complete(plan: Plan, folder: Path, codec: str, made: Sequence[Made]) -> None:
    """All but the packed files; the manifest, without which nothing opens, comes last."""
    carried = [_carry(file, folder) for file in plan.carried]
    packed = [
        PackedEntry(
            file.target, r.size, r.checksum, file.name, r.source_size, r.source_sha256, r.tensors
        )
        for file, r in zip(plan.packed, (m.record for m in made), strict=True)
    ]
    config = next((file.source for file in plan.carried if file.name == CONFIG), None)
    if config is not None:
        carried.append(_add(folder, CONFIG, packed_config(config, codec)))
    manifest = Manifest(software(), codec, tuple(packed), tuple(carried))
    carried.append(_add(folder, CARD, model_card(manifest).encode()))
    manifest = Manifest(software(), codec, tuple(packed), tuple(carried))
    writing.write_file(folder / MANIFEST, manifest_to_json(manifest))


def _add(folder: Path, name: str, content: bytes) -> CarriedEntry:
    writing.write_file(folder / name, content)
    return _content_entry(name, content)


@dataclass(frozen=True)
class Source:
    """What the user named, and how to ask a hub for it."""

    name: str | os.PathLike[str]
    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


def plan_of(source: Source) -> Plan:
    """What becomes of the files of a folder, a file or a hub id.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    name = source.name
    if not isinstance(name, str | os.PathLike):
        raise TypeError(
            f"a {type(name).__name__} cannot be packed: expected a hub id, a folder or a file"
        )
    if not str(name):
        raise ValueError("the name of the model is empty: expected a hub id or a path")
    path = local_path(name)
    if path is not None:
        return plan_folder(path) if path.is_dir() else plan_file(path)
    require_hub_id(name)
    from meadow_py.sources.hub import Request, fetch_files

    where = None if source.cache_dir is None else Path(source.cache_dir)
    request = Request(str(name), source.revision, source.token, where, source.local_files_only)
    return plan_folder(*fetch_files(request))


def _carry(file: PlannedFile, folder: Path) -> CarriedEntry:
    """Copy a file of the model into the packed folder, unless it is there already."""
    target = folder / file.target
    found = sha256_of(file.source)
    if not target.is_file() or sha256_of(target) != found:
        copied = copy(file.source, target)
        if copied != found:
            raise FormatError(f"{file.source}: changed while it was being read: pack it again")
    return CarriedEntry(file.target, target.stat().st_size, found, file.name)


def _content_entry(name: str, content: bytes) -> CarriedEntry:
    """The entry of a file that packing has added."""
    return CarriedEntry(name, len(content), hashlib.sha256(content).hexdigest(), None)
