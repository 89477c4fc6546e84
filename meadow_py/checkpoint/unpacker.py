"""`unpack`: restore the original files, byte for byte."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from meadow_py.checkpoint.format.manifest import CarriedEntry, Manifest, PackedEntry, read_manifest
from meadow_py.checkpoint.format.reader import PackedFile, check_entry, packed_path
from meadow_py.checkpoint.original.rebuild import rebuild
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


@dataclass(frozen=True)
class Unpacked:
    """The result of `unpack`.

    Attributes
    ----------
    path : path
        The restored folder or file.
    files : tuple of str
        The names of all original files.
    nbytes : int
        Their total size in bytes.
    kept : tuple of str
        The names of files that already existed with the right content.
    seconds : float
        Wall time.
    """

    path: Path
    files: tuple[str, ...]
    nbytes: int
    kept: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class _Original:
    """One file to restore."""

    name: str
    size: int
    sha256: str
    packed: PackedEntry | CarriedEntry | None  # None: the user named a packed file, not a folder


def unpack(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    threads: int | None = 0,
    progress: bool | None = None,
    max_bytes: int | None = None,
) -> Unpacked:
    """Restore the original files, and compare their SHA-256 before they appear.

    The target appears only once it is complete. Until then the work lies in a hidden folder beside
    it; repeat an interrupted call to resume it.

    Parameters
    ----------
    path : str or path
        A packed folder or file.
    target : str or path
        The folder to make, or for a packed file the name of the file to make. If it already exists
        and holds exactly these files, nothing is done.
    overwrite : bool
        Whether to replace existing files of these names.
    threads : int or None
        0 or None uses all cores.
    progress : bool or None
        Whether to show a progress bar on stderr; None shows it in a terminal and in Jupyter.
    max_bytes : int, optional
        The most bytes to restore. By default 64 times the packed size, and 1 GiB in any case: a
        small file made to harm could fill the disk.

    Returns
    -------
    Unpacked
        The restored files.

    Raises
    ------
    FileExistsError
        If the target exists and differs; with `overwrite`, if it also holds other files.
    FormatError
        If anything is truncated, corrupt or missing, or would unpack to more than `max_bytes`. The
        message names the file and, where it applies, the tensor.
    FileNotFoundError
        If nothing exists at `path`.
    ValueError
        If the target lies inside the packed folder, or the packed folder inside the target.
    OSError
        If anything cannot be read or written, because permission or space is missing.
    """
    begun = time.perf_counter()
    used = used_threads(threads or 0)
    place, goal = packed_path(path), resolved(target)
    if place.is_file() and goal.is_dir():
        raise IsADirectoryError(f"{goal}: expected the name of a file, found a folder")
    refuse_overlap(place, goal)
    originals = _originals(place)
    size = sum(original.size for original in originals)
    _require_moderate(place, originals, size, max_bytes)
    with Meter(size, "unpack", progress) as meter:
        if _is_there(goal, originals, overwrite):
            kept = [original.name for original in originals]
            _discard_partial(goal)
        else:
            kept = _make(place, goal, originals, overwrite, used, meter)
    names = tuple(original.name for original in originals)
    return Unpacked(goal, names, size, tuple(kept), time.perf_counter() - begun)


def _originals(place: Path) -> list[_Original]:
    if place.is_file():
        with PackedFile(place) as packed:
            found = (packed.source_name, packed.source_size, packed.source_sha256)
            return [_Original(*found, None)]
    manifest: Manifest = read_manifest(place)
    made = [_Original(e.source, e.source_size, e.source_sha256, e) for e in manifest.packed]
    carried = [(e.source, e) for e in manifest.carried if e.source is not None]
    return made + [_Original(name, e.size, e.sha256, e) for name, e in carried]


_MOST_IN_ANY_CASE = 1 << 30  # bytes
_MOST_TIMES = 64  # beyond that, how often the packed size


def _require_moderate(place: Path, originals: list[_Original], size: int, most: int | None) -> None:
    """Raise FormatError if a model unpacks to more bytes than allowed."""
    entries = [original.packed for original in originals]
    files = [place if entry is None else place / entry.name for entry in entries]
    packed = sum(file.stat().st_size for file in files if file.is_file())
    limit = max(_MOST_IN_ANY_CASE, _MOST_TIMES * packed) if most is None else most
    if size > limit:
        raise FormatError(
            f"{place}: its {packed} B unpack to {size} B, more than the limit of {limit} B: a file "
            f"made to fill the disk? If it is right, pass max_bytes={size} (--max-bytes {size})"
        )


def _is_there(goal: Path, originals: list[_Original], overwrite: bool) -> bool:
    """Whether the target already holds these files; FileExistsError if it may not be replaced."""
    if is_free(goal):
        return False
    single = originals[0].packed is None
    there = {"": goal} if single else {o.name: goal / o.name for o in originals}
    found = _files(goal)
    if found.keys() == there.keys() and all(
        _is_right(path, original) for path, original in zip(there.values(), originals, strict=True)
    ):
        return True
    reason = _other_files(goal, set(there))
    if reason is not None:
        raise FileExistsError(f"{goal}: already exists, and {reason}")
    if not overwrite:
        said = "already exists and differs from the original: overwrite replaces it"
        raise FileExistsError(f"{goal}: {said}")
    require_writable(goal)
    return False


def _other_files(goal: Path, known: set[str]) -> str | None:
    """The message about a target that also holds other files, or None."""
    surplus = sorted(_files(goal).keys() - known)
    return f"holds other files ({surplus[0] or 'it is a file'})" if surplus else None


def _files(goal: Path) -> dict[str, Path]:
    """The files in a folder by name. A path that is a file has the empty name."""
    if goal.is_file():
        return {"": goal}
    return {path.relative_to(goal).as_posix(): path for path in files_in(goal)}


def _has_size(path: Path, original: _Original) -> bool:
    return path.is_file() and path.stat().st_size == original.size


def _is_right(path: Path, original: _Original) -> bool:
    return _has_size(path, original) and sha256_of(path) == original.sha256


def _discard_partial(goal: Path) -> None:
    if partial_path(goal).exists():
        with Partial(goal) as partial:
            partial.discard()


def _make(
    place: Path,
    goal: Path,
    originals: list[_Original],
    overwrite: bool,
    threads: int,
    meter: Meter,
) -> list[str]:
    """Make all files; return the names of those that existed already."""
    kept = []
    single = originals[0].packed is None
    with Partial(goal) as partial:
        names = [goal.name] if single else [original.name for original in originals]
        partial.keep_only(names)
        wanted = list(zip(names, originals, strict=True))
        missing = [o.size for name, o in wanted if not _has_size(partial.folder / name, o)]
        disk.require_space(partial.folder, sum(missing), goal)
        for name, original in wanted:
            path = partial.folder / name
            if _is_right(path, original):
                kept.append(original.name)
                meter.rebuilt(original.size, original.name)
                continue
            disk.make_folder(path.parent)
            _make_one(place, path, original, threads, meter)
        known = {""} if single else set(names)
        refuses = functools.partial(_other_files, known=known) if overwrite else not_free
        partial.publish(goal.name if single else None, refuses)
    return kept


def _make_one(place: Path, path: Path, original: _Original, threads: int, meter: Meter) -> None:
    entry = original.packed
    if isinstance(entry, CarriedEntry):
        _carry_back(place / entry.name, path, entry)
        meter.rebuilt(entry.size, entry.name)
        return
    with PackedFile(place if entry is None else place / entry.name) as packed:
        if entry is not None:
            check_entry(packed, entry)
        with disk.NewFile(path) as file:
            rebuild(packed, threads, file.append, meter.rebuilt)
            file.finish()


def _carry_back(source: Path, path: Path, entry: CarriedEntry) -> None:
    if sha256_of(source) != entry.sha256:
        raise FormatError(f"{source}: corrupt or edited: its SHA-256 is not {entry.sha256}")
    if copy(source, path) != entry.sha256:
        raise FormatError(f"{source}: changed while it was being read")
