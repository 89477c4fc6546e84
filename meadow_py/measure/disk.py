"""How fast this host reads a file that is not in memory."""

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

_PIECE = 1 << 22  # bytes of one read: what makes disks fast
_ROUNDS = 5


@dataclass(frozen=True)
class DiskBandwidth:
    """How many bytes a second a file in a folder is read with.

    Attributes
    ----------
    bytes_per_second : float
        The median of the runs.
    bytes_per_second_min, bytes_per_second_max : float
    nbytes : int
        Of the file.
    method : str
        ``O_DIRECT``: past the page cache. ``posix_fadvise``: the system was asked to drop the file
        from its page cache before every run, and need not have done so.
    note : str
        What to think of when reading the figure; empty where nothing.
    """

    bytes_per_second: float
    bytes_per_second_min: float
    bytes_per_second_max: float
    nbytes: int
    method: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(vars(self))


def disk_read_bandwidth(folder: str | os.PathLike[str], nbytes: int = 256 << 20) -> DiskBandwidth:
    """Measure how fast a file in `folder` is read, one thread, 4 MiB at a time.

    A temporary file is written there, read several times, and removed.

    Parameters
    ----------
    folder : path
    nbytes : int
        Of the file; rounded up to whole pieces of 4 MiB.

    Raises
    ------
    ValueError
        For no bytes.
    OSError
        If nothing can be written there.

    Notes
    -----
    A device may have a cache of its own, and a virtual disk its host's memory.
    """
    if nbytes < 1:
        raise ValueError(f"nbytes={nbytes}: expected at least 1")
    pieces = -(-nbytes // _PIECE)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="meadow-disk-") as file:
        noise = np.random.default_rng(0).bytes(_PIECE)  # what no file system makes smaller
        for _ in range(pieces):
            file.write(noise)
        file.flush()
        os.fsync(file.fileno())
        return _read(Path(file.name), pieces * _PIECE)


def _read(path: Path, nbytes: int) -> DiskBandwidth:
    try:
        return _timed(path, nbytes, "O_DIRECT")
    except (OSError, AttributeError):  # not every file system, nor every system, has it
        return _timed(path, nbytes, "posix_fadvise")


def _timed(path: Path, nbytes: int, method: str) -> DiskBandwidth:
    direct = method == "O_DIRECT"
    flags = os.O_RDONLY | (os.O_DIRECT if direct else 0)
    descriptor, buffer = os.open(path, flags), mmap.mmap(-1, _PIECE)  # a page's border, as is asked
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
    """Whether the file system of `path` keeps its files in memory, where the system tells."""
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
