"""What is at the target already: the same model, complete and right, or something else."""

from __future__ import annotations

import contextlib
from pathlib import Path

from meadow_py.checkpoint.format.manifest import CARD, MANIFEST, Manifest, read_manifest
from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.plan import CONFIG, Plan
from meadow_py.checkpoint.verifier import verify_file, verify_folder
from meadow_py.errors import FormatError
from meadow_py.files.partial import Partial, files_in, is_free, partial_path, require_writable
from meadow_py.files.writing import sha256_of
from meadow_py.jobs.progress import Meter
from meadow_py.sources.safetensors import is_packed


def is_packed_from(
    target: Path, plan: Plan, codec: str, overwrite: bool, threads: int, meter: Meter
) -> bool:
    """Whether the target is this model already, packed with this setting, and verifies.

    Raises
    ------
    FileExistsError
        If it is something else and may not be replaced: `overwrite` replaces what is packed,
        never other files.
    FormatError
        If it is damaged and may not be replaced.
    """
    if is_free(target):
        return False
    _require_packed(target, plan, overwrite)
    try:
        if not _same_source(target, plan, codec):
            if overwrite:
                return False
            raise _exists(
                target, "packed from another source or with another setting: overwrite replaces it"
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


def keeps(target: Path, plan: Plan) -> str | None:
    """Why even `overwrite` must not replace a target, None if it may."""
    return None if is_free(target) else _no_model(target) or _surplus(target, plan)


def _require_packed(target: Path, plan: Plan, overwrite: bool) -> None:
    reason = keeps(target, plan) if overwrite else _no_model(target)
    if reason is not None:
        raise _exists(target, f"and {reason}")
    if overwrite:
        require_writable(target)


def _no_model(target: Path) -> str | None:
    packed = (target / MANIFEST).is_file() or (target.is_file() and is_packed(target))
    return None if packed else "is not a packed model: name another, or remove it"


def _surplus(target: Path, plan: Plan) -> str | None:
    """What is said of a packed folder that holds what packing did not put there, or None."""
    if target.is_file():
        return None
    known = {MANIFEST, CARD, CONFIG, *(file.target for file in plan.files)}
    with contextlib.suppress(FormatError):  # of a damaged one nothing else is known
        known |= {entry.name for entry in read_manifest(target).entries}
    there = {path.relative_to(target).as_posix() for path in files_in(target)}
    if there <= known:
        return None
    return f"holds files that are not packed ones ({min(there - known)}): move them away"


def _exists(target: Path, said: str) -> FileExistsError:
    return FileExistsError(f"{target}: exists already, {said}")


def _same_source(target: Path, plan: Plan, codec: str) -> bool:
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


def _sizes(plan: Plan) -> dict[str, int]:
    return {file.name: file.source.stat().st_size for file in plan.files}


def _same_bytes(manifest: Manifest, plan: Plan) -> bool:
    known = {entry.source: entry.source_sha256 for entry in manifest.packed}
    known |= {e.source: e.sha256 for e in manifest.carried if e.source is not None}
    return all(sha256_of(file.source) == known[file.name] for file in plan.files)
