"""`verify`: whether every bit of a packed model is right."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from meadow_py.checkpoint.format.manifest import PackedEntry, read_manifest
from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.original.rebuild import rebuild
from meadow_py.checkpoint.shards import record_of
from meadow_py.errors import FormatError
from meadow_py.files.writing import sha256_of
from meadow_py.jobs.ordered import used_threads
from meadow_py.jobs.progress import Meter


@dataclass(frozen=True)
class Verified:
    """What `verify` found to be right.

    Attributes
    ----------
    path : path
    files : int
        Packed files and files carried along.
    tensors : int
    bytes_original : int
        Bytes that were decoded and compared, those of files carried along included.
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
    """Check a packed model: manifest, sizes, every checksum; decode every blob.

    The original files are put together again in memory, piece by piece, and their SHA-256 is
    compared with that of what was packed. Nothing is written.

    Parameters
    ----------
    path : str or path
        A packed folder or file.
    threads : int or None
        0 or None uses all cores.
    progress : bool or None
        A bar on stderr; None shows it in a terminal and in Jupyter.

    Raises
    ------
    FormatError
        If anything is truncated, corrupt or missing; names the file, and the tensor if it is one.
    FileNotFoundError
        If there is nothing of this name.
    OSError
        If a file cannot be read.
    """
    begun = time.perf_counter()
    used = used_threads(threads or 0)
    place = packed_path(path)
    with Meter(_size(place), "verify", progress) as meter:
        found = verify_folder(place, used, meter) if place.is_dir() else _alone(place, used, meter)
    return Verified(place, *found, time.perf_counter() - begun)


def packed_path(path: str | os.PathLike[str]) -> Path:
    """The path itself, if there is a folder or a regular file."""
    place = Path(path).expanduser()
    place.stat()  # FileNotFoundError and PermissionError name the path
    if not place.is_dir() and not place.is_file():
        raise ValueError(f"{place}: not a regular file, but a device, a pipe or a socket")
    return place


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


def check_entry(packed: PackedFile, entry: PackedEntry) -> None:
    """Raise FormatError if a packed file is not the one that the manifest describes."""
    found = PackedEntry(entry.name, *_before_tensors(packed), record_of(packed).tensors)
    for key, value in vars(entry).items():
        if getattr(found, key) != value:
            raise FormatError(
                f"{packed.path}: not the file of this folder: {key} is {getattr(found, key)!r}, "
                f"the manifest says {value!r}"
            )


def _before_tensors(packed: PackedFile) -> tuple[int, str, str, int, str]:
    return (
        packed.size,
        packed.header_sha256,
        packed.source_name,
        packed.source_size,
        packed.source_sha256,
    )


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
