"""`verify`: check every bit of a packed model."""

from __future__ import annotations

import os
import reprlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from meadow_py.checkpoint.format.layout import SHA256
from meadow_py.checkpoint.format.manifest import read_manifest, read_sealed
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
    sha256 : str
        The digest of the model, which its publisher may sign: SHA-256 of the folder's
        ``meadow.json``, or of the header of a packed file alone.
    versions : tuple of int
        The packed format versions of the files, ascending.
    seconds : float
        Wall time.
    """

    path: Path
    files: int
    tensors: int
    bytes_original: int
    sha256: str
    versions: tuple[int, ...]
    seconds: float


class _Counts(NamedTuple):
    files: int
    tensors: int
    bytes_original: int
    sha256: str
    versions: tuple[int, ...]


def verify(
    path: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    threads: int | None = 0,
    progress: bool | None = None,
) -> Verified:
    """Check a packed model: its manifest, its sizes, every checksum, and every blob by decoding it.

    The original files are rebuilt in memory, piece by piece, and their SHA-256 is compared with
    the one recorded when they were packed. Nothing is written.

    Parameters
    ----------
    path : str or path
        A packed folder or file.
    sha256 : str, optional
        The digest that the publisher of the model gives (64 hexadecimal digits), compared before
        anything is decoded. Without it, `verify` finds damage, but no model made by somebody else:
        the checksums that it compares lie in the same files.
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
        If anything is truncated, corrupt or missing, or the model has another digest than `sha256`.
        The message names the file and, where it applies, the tensor.
    ValueError
        If `sha256` is not 64 hexadecimal digits.
    FileNotFoundError
        If nothing exists at `path`.
    OSError
        If a file cannot be read.
    """
    begun = time.perf_counter()
    used = used_threads(threads or 0)
    expected = None if sha256 is None else _checked_digest(sha256)
    place = packed_path(path)
    with Meter(_size(place), "verify", progress) as meter:
        checked = verify_folder if place.is_dir() else _alone
        found = checked(place, used, meter, expected)
    return Verified(place, *found, time.perf_counter() - begun)


def verify_folder(folder: Path, threads: int, meter: Meter, expected: str | None = None) -> _Counts:
    """Check a packed folder, which has the `expected` digest if one is given."""
    manifest, sha256 = read_sealed(folder)
    _compare(folder, sha256, expected)
    for carried in manifest.carried:
        found = sha256_of(folder / carried.name)
        if found != carried.sha256:
            raise FormatError(
                f"{folder / carried.name}: corrupt or edited: SHA-256 {found}, expected "
                f"{carried.sha256}"
            )
    versions: set[int] = set()
    for entry in manifest.packed:
        with PackedFile(folder / entry.name) as packed:
            check_entry(packed, entry)
            rebuild(packed, threads, _discard, meter.rebuilt)
            packed.check_data(threads)
            versions.add(packed.version)
    tensors = sum(len(entry.tensors) for entry in manifest.packed)
    files = len(manifest.packed) + len(manifest.carried)
    return _Counts(files, tensors, manifest.bytes_original, sha256, tuple(sorted(versions)))


def verify_file(path: Path, threads: int, meter: Meter, expected: str | None = None) -> PackedFile:
    """Check a packed file alone, which has the `expected` digest if one is given."""
    with PackedFile(path) as packed:
        _compare(path, packed.header_sha256, expected)
        rebuild(packed, threads, _discard, meter.rebuilt)
        packed.check_data(threads)
        return packed


def _alone(path: Path, threads: int, meter: Meter, expected: str | None) -> _Counts:
    packed = verify_file(path, threads, meter, expected)
    tensors, digest = len(record_of(packed).tensors), packed.header_sha256
    return _Counts(1, tensors, packed.source_size, digest, (packed.version,))


def _checked_digest(text: str) -> str:
    if not isinstance(text, str) or not SHA256.fullmatch(text.lower()):
        raise ValueError(f"sha256 must be 64 hexadecimal digits, not {reprlib.repr(text)}")
    return text.lower()


def _compare(path: Path, found: str, expected: str | None) -> None:
    if expected is not None and found != expected:
        raise FormatError(
            f"{path}: not the expected model: its digest is {found}, expected {expected}"
        )


def _discard(piece: memoryview) -> None:
    pass


def _size(place: Path) -> int:
    """Bytes that will be decoded."""
    if place.is_file():
        with PackedFile(place) as packed:
            return packed.source_size
    return sum(entry.source_size for entry in read_manifest(place).packed)
