"""`pack`: turn a model into a packed folder or file."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meadow_py import blobs
from meadow_py.checkpoint.format.card import CARD, model_card, packed_config
from meadow_py.checkpoint.format.manifest import (
    MANIFEST,
    CarriedEntry,
    Manifest,
    PackedEntry,
    manifest_to_json,
    read_manifest,
)
from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.format.writer import FileJob, Made, pack_files, software
from meadow_py.checkpoint.inspection import Inspection, inspect
from meadow_py.checkpoint.plan import CONFIG, PackingPlan, PlannedFile, look_at_space, plan_of
from meadow_py.checkpoint.verifier import verify_file, verify_folder
from meadow_py.errors import FormatError
from meadow_py.files import disk
from meadow_py.files.disk import copy, sha256_of
from meadow_py.files.partial import (
    Partial,
    files_in,
    is_free,
    not_free,
    partial_path,
    refuse_overlap,
    require_writable,
    resolved,
)
from meadow_py.jobs.progress import Meter
from meadow_py.jobs.tasks import used_threads
from meadow_py.sources.safetensors import is_packed

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Packed:
    """The result of `pack`.

    Attributes
    ----------
    path : path
        The packed folder or file.
    inspection : Inspection
        Its contents.
    seconds : float
        Wall time.
    kept : tuple of str
        Original files that were packed by an earlier call and verified by this one.
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
    follow_links: bool = False,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Packed:
    """Pack a model losslessly: `unpack` restores every bit of every file.

    Only one large tensor is held in memory at a time, packed. The target appears only once it is
    complete. Until then the work lies in a hidden folder beside it; repeat an interrupted call to
    resume it.

    Parameters
    ----------
    source : str or path
        A folder, a weight file (``.safetensors``, ``.bin``, ``.pt``, ``.pth``, ``.gguf``) or a hub
        id, if no folder or file has this name.
    target : str or path
        The packed folder. If `source` is a weight file and this name ends in ``.safetensors``, a
        single packed file is made instead of a folder. If the target already exists and was packed
        from this source, it is verified.
    codec : {"auto", "fast", "small", "huffman", "raw", "planes"}
        See `meadow_py.blobs.encode`: ``fast`` decodes faster, ``small`` is smaller, ``planes`` can
        be run from the mapped file without decoding.
    overwrite : bool
        Whether to replace an existing packed folder or file.
    threads : int or None
        0 or None uses all cores. The number changes no bit of the result.
    executor : concurrent.futures.Executor, optional
        Packs the files of a sharded model, one file for each task. Its workers must see source and
        target under the same names.
    progress : bool or None
        Whether to show a progress bar on stderr; None shows it in a terminal and in Jupyter.
    follow_links : bool
        Whether links in a folder may lead out of it. By default only those of the hub's cache may:
        whoever made the folder could otherwise have any file of yours packed, and published with
        the model.
    revision, token, cache_dir, local_files_only
        For a hub id, as for `open_checkpoint`.

    Returns
    -------
    Packed
        Where the packed model is and what it contains.

    Raises
    ------
    FileExistsError
        If the target exists and was made from another source.
    FileNotFoundError
        If the source does not exist or holds no weights, or if the folder for the target does not
        exist.
    FormatError
        If a file of the source is corrupt, or changes while it is packed.
    ValueError
        If source or target lies inside the other, or the source is already packed.
    PermissionError
        If a link leads out of the folder, or the hidden folder is another user's.
    OSError
        If anything cannot be read or written, because permission or space is missing. Finished
        work stays in the hidden folder.
    """
    begun = time.perf_counter()
    if codec not in blobs.CODECS:
        raise ValueError(f"codec {codec!r}: expected one of {', '.join(blobs.CODECS)}")
    used = used_threads(threads or 0)
    plan = plan_of(source, revision, token, cache_dir, local_files_only, follow_links)
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


def _require_readable(plan: PackingPlan, codec: str) -> None:
    """Check files that are read only at the end now, so that errors do not come after hours."""
    for file in plan.carried:
        with file.source.open("rb"):
            pass
        if file.name == CONFIG:
            packed_config(file.source, codec)


def _make(
    plan: PackingPlan,
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
        look_at_space(plan, target, partial.folder)
        jobs = [
            FileJob(file.source, partial.folder / name, file.name, codec, threads)
            for file, name in zip(plan.packed, names if single else _targets(plan), strict=True)
        ]
        for job in jobs:
            disk.make_folder(job.target.parent)
        made = pack_files(jobs, executor, meter)
        if not single:
            _complete(plan, partial.folder, codec, made)
        partial.publish(target.name if single else None, refuses)
    return made


def _targets(plan: PackingPlan) -> list[str]:
    return [file.target for file in plan.packed]


def _complete(plan: PackingPlan, folder: Path, codec: str, made: Sequence[Made]) -> None:
    """Add all other files. The manifest comes last, because without it nothing opens."""
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
    disk.write_file(folder / MANIFEST, manifest_to_json(manifest))


def _add(folder: Path, name: str, content: bytes) -> CarriedEntry:
    disk.write_file(folder / name, content)
    return _content_entry(name, content)


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


def is_packed_from(
    target: Path, plan: PackingPlan, codec: str, overwrite: bool, threads: int, meter: Meter
) -> bool:
    """Whether the target already is this model, packed with this setting, and verifies.

    Raises
    ------
    FileExistsError
        If the target is something else and may not be replaced: `overwrite` replaces packed models,
        never other files.
    FormatError
        If the target is damaged and may not be replaced.
    """
    if is_free(target):
        return False
    _require_packed(target, plan, overwrite)
    try:
        if not _same_source(target, plan, codec):
            if overwrite:
                return False
            raise _exists(
                target, "packed from another source or with another setting; overwrite replaces it"
            )
        if target.is_dir():
            verify_folder(target, threads, meter)
        else:
            verify_file(target, threads, meter)
    except FormatError as error:
        if overwrite:
            return False
        raise FormatError(f"{error}; overwrite packs it again") from error
    if partial_path(target).exists():  # of work that was stopped after its last step
        with Partial(target) as partial:
            partial.discard()
    return True


def keeps(target: Path, plan: PackingPlan) -> str | None:
    """The reason why even `overwrite` must not replace a target, or None if it may."""
    return None if is_free(target) else _no_model(target) or _surplus(target, plan)


def _require_packed(target: Path, plan: PackingPlan, overwrite: bool) -> None:
    reason = keeps(target, plan) if overwrite else _no_model(target)
    if reason is not None:
        raise _exists(target, f"and {reason}")
    if overwrite:
        require_writable(target)


def _no_model(target: Path) -> str | None:
    packed = (target / MANIFEST).is_file() or (target.is_file() and is_packed(target))
    return None if packed else "is not a packed model: name another target, or remove it"


def _surplus(target: Path, plan: PackingPlan) -> str | None:
    """The message about a packed folder that holds files from elsewhere, or None."""
    if target.is_file():
        return None
    known = {MANIFEST, CARD, CONFIG, *(file.target for file in plan.files)}
    with contextlib.suppress(FormatError):  # nothing else is known of a damaged folder
        known |= {entry.name for entry in read_manifest(target).entries}
    there = {path.relative_to(target).as_posix() for path in files_in(target)}
    if there <= known:
        return None
    return f"holds files that are not part of a packed model ({min(there - known)}): move them away"


def _exists(target: Path, said: str) -> FileExistsError:
    return FileExistsError(f"{target}: already exists, {said}")


def _same_source(target: Path, plan: PackingPlan, codec: str) -> bool:
    if target.is_file():
        with PackedFile(target) as packed:
            (file,) = plan.files if plan.is_file else (None,)
            return (
                file is not None
                and packed.metadata["codec"] == codec
                and (packed.source_name, packed.source_sha256)
                == (file.name, sha256_of(file.source))
            )
    manifest = read_manifest(target)
    return (
        manifest.codec == codec
        and _described(manifest) == _sizes(plan)
        and _same_bytes(manifest, plan)
    )


def _described(manifest: Manifest) -> dict[str, int]:
    sizes = {entry.source: entry.source_size for entry in manifest.packed}
    return sizes | {e.source: e.size for e in manifest.carried if e.source is not None}


def _sizes(plan: PackingPlan) -> dict[str, int]:
    return {file.name: file.source.stat().st_size for file in plan.files}


def _same_bytes(manifest: Manifest, plan: PackingPlan) -> bool:
    known = {entry.source: entry.source_sha256 for entry in manifest.packed}
    known |= {e.source: e.sha256 for e in manifest.carried if e.source is not None}
    return all(sha256_of(file.source) == known[file.name] for file in plan.files)
