"""`verify`: check every bit of a packed model."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from meadow_py.checkpoint.format.manifest import read_manifest
from meadow_py.checkpoint.format.reader import PackedFile, check_entry, packed_path, record_of
from meadow_py.checkpoint.original.rebuild import rebuild
from meadow_py.errors import FormatError
from meadow_py.files.disk import sha256_of
from meadow_py.jobs.progress import Meter
from meadow_py.jobs.tasks import used_threads


@dataclass(frozen=True)
class Verified:
    """The result of `verify`: how much was checked and found correct.

    Attributes
    ----------
    path : path
        The packed folder or file.
    files : int
        The number of packed and carried files.
    tensors : int
        The number of tensors.
    bytes_original : int
        The bytes that were decoded and compared, including those of carried files.
    seconds : float
        Wall time.
    """

    path: Path
    files: int
    tensors: int
    bytes_original: int
    seconds: float


def verify(
    path: str | os.PathLike[str], *, threads: int | None = 0, progress: bool | None = None
) -> Verified:
    """Check a packed model: its manifest, its sizes, every checksum, and every blob by decoding it.

    The original files are rebuilt in memory, piece by piece, and their SHA-256 is compared with
    the one recorded when they were packed. Nothing is written.

    Parameters
    ----------
    path : str or path
        A packed folder or file.
    threads : int or None
        0 or None uses all cores.
    progress : bool or None
        Whether to show a progress bar on stderr; None shows it in a terminal and in Jupyter.

    Returns
    -------
    Verified
        How much was checked.

    Raises
    ------
    FormatError
        If anything is truncated, corrupt or missing. The message names the file and, where it
        applies, the tensor.
    FileNotFoundError
        If nothing exists at `path`.
    OSError
        If a file cannot be read.
    """
    begun = time.perf_counter()
    used = used_threads(threads or 0)
    place = packed_path(path)
    with Meter(_size(place), "verify", progress) as meter:
        found = verify_folder(place, used, meter) if place.is_dir() else _alone(place, used, meter)
    return Verified(place, *found, time.perf_counter() - begun)


def verify_folder(folder: Path, threads: int, meter: Meter) -> tuple[int, int, int]:
    """Check a packed folder; files, tensors and bytes of the original."""
    manifest = read_manifest(folder)
    for carried in manifest.carried:
        found = sha256_of(folder / carried.name)
        if found != carried.sha256:
            raise FormatError(
                f"{folder / carried.name}: corrupt or edited: SHA-256 {found}, expected "
                f"{carried.sha256}"
            )
    for entry in manifest.packed:
        with PackedFile(folder / entry.name) as packed:
            check_entry(packed, entry)
            rebuild(packed, threads, _discard, meter.rebuilt)
    tensors = sum(len(entry.tensors) for entry in manifest.packed)
    files = len(manifest.packed) + len(manifest.carried)
    return files, tensors, manifest.bytes_original


def verify_file(path: Path, threads: int, meter: Meter) -> PackedFile:
    """Check a packed file alone."""
    with PackedFile(path) as packed:
        rebuild(packed, threads, _discard, meter.rebuilt)
        return packed


def _alone(path: Path, threads: int, meter: Meter) -> tuple[int, int, int]:
    packed = verify_file(path, threads, meter)
    return 1, len(record_of(packed).tensors), packed.source_size


def _discard(piece: memoryview) -> None:
    pass


def _size(place: Path) -> int:
    """Bytes that will be decoded."""
    if place.is_file():
        with PackedFile(place) as packed:
            return packed.source_size
    return sum(entry.source_size for entry in read_manifest(place).packed)
