"""How fast this host reads a file that is not in the page cache."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meadow_py.measure.memory import lines_of
from meadow_py.measure.timing import in_turn

_PIECE = 1 << 22  # bytes of one read; disks are fast with large reads
_ROUNDS = 5


@dataclass(frozen=True)
class DiskBandwidth:
    """Bandwidth of reading a file in a folder.

    Attributes
    ----------
    bytes_per_second : float
        Median of the runs.
    bytes_per_second_min, bytes_per_second_max : float
        Slowest and fastest run.
    nbytes : int
        Size of the file.
    method : str
        ``O_DIRECT``: reads bypassed the page cache. ``posix_fadvise``: the system was asked to drop
        the file from its page cache before every run, but need not have done so.
    note : str
        A caveat about the figure; may be empty.
    """

    bytes_per_second: float
    bytes_per_second_min: float
    bytes_per_second_max: float
    nbytes: int
    method: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        return dict(vars(self))


def disk_read_bandwidth(folder: str | os.PathLike[str], nbytes: int = 256 << 20) -> DiskBandwidth:
    """Measure how fast one thread reads a file in `folder`, 4 MiB at a time.

    A temporary file is written there, read several times, and removed.

    Parameters
    ----------
    folder : path
    nbytes : int
        Size of the file; rounded up to a multiple of 4 MiB.

    Returns
    -------
    DiskBandwidth

    Raises
    ------
    ValueError
        If `nbytes` is less than 1.
    OSError
        If the file cannot be written or read.

    Notes
    -----
    A device may have a cache of its own, and a virtual disk may be cached in its host's memory.
    """
    if nbytes < 1:
        raise ValueError(f"nbytes={nbytes}: expected at least 1")
    pieces = -(-nbytes // _PIECE)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="meadow-disk-") as file:
        noise = np.random.default_rng(0).bytes(_PIECE)  # no file system can compress it
        for _ in range(pieces):
            file.write(noise)
        file.flush()
        os.fsync(file.fileno())
        return _read(Path(file.name), pieces * _PIECE)


def _read(path: Path, nbytes: int) -> DiskBandwidth:
    try:
        return _timed(path, nbytes, "O_DIRECT")
    except (OSError, AttributeError):  # some systems and file systems lack it
        return _timed(path, nbytes, "posix_fadvise")


def _timed(path: Path, nbytes: int, method: str) -> DiskBandwidth:
    direct = method == "O_DIRECT"
    flags = os.O_RDONLY | (os.O_DIRECT if direct else 0)
    descriptor, buffer = os.open(path, flags), mmap.mmap(-1, _PIECE)  # page-aligned for O_DIRECT
    try:
        prepare = None if direct else _dropped(descriptor)
        task = {"read": lambda: _read_all(descriptor, buffer, nbytes)}
        timing = in_turn(task, _ROUNDS, prepare)["read"]
    finally:
        os.close(descriptor)
        buffer.close()
    return DiskBandwidth(
        bytes_per_second=nbytes / timing.seconds,
        bytes_per_second_min=nbytes / timing.seconds_max,
        bytes_per_second_max=nbytes / timing.seconds_min,
        nbytes=nbytes,
        method=method,
        note=_note(path, direct),
    )


def _note(path: Path, direct: bool) -> str:
    if _is_in_memory(path):
        return "the folder lies in memory: no disk was read"
    return "" if direct else "the page cache may have kept a part: the disk may be slower"


def _is_in_memory(path: Path) -> bool:
    """Whether the file system of `path` keeps its files in memory; False if that is unknown."""
    device = path.stat().st_dev
    place = f"{os.major(device)}:{os.minor(device)}"
    for line in lines_of(Path("/proc/self/mountinfo")):
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == place:
            return kind.split()[0] in ("tmpfs", "ramfs")
    return False


def _dropped(descriptor: int) -> Callable[[], None] | None:
    if not hasattr(os, "posix_fadvise"):
        return None
    return lambda: os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _read_all(descriptor: int, buffer: mmap.mmap, nbytes: int) -> None:
    for begin in range(0, nbytes, _PIECE):
        if os.preadv(descriptor, [buffer], begin) != _PIECE:
            raise OSError("the temporary file became shorter while it was read")
