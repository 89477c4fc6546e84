"""Memory for measurements: how much is free, which pages it has, how much a process holds."""

from __future__ import annotations

import mmap
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Pages = Literal["huge", "small"]
HUGE_PAGE = 1 << 21  # bytes; on x86-64, and on AArch64 with 4 KiB pages
_USABLE = 0.5  # share of the free memory; the rest is left to other processes
_CGROUP = Path("/sys/fs/cgroup")


def usable_bytes() -> int:
    """Memory that a measurement may fill: half of what the system and the cgroup leave free."""
    free = [left for left in (_available(), _left_in_cgroup()) if left is not None]
    return int(_USABLE * min(free, default=1 << 30))


def _available() -> int | None:
    kibibytes = field_of(Path("/proc/meminfo"), "MemAvailable:")
    return None if kibibytes is None else kibibytes * 1024


def _left_in_cgroup() -> int | None:
    """Under cgroups v2, the smallest amount left by any group that contains this process."""
    lines = lines_of(Path("/proc/self/cgroup"))
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    if own is None:
        return None
    group = _CGROUP / own.strip().lstrip("/")
    folders = [
        _CGROUP,
        *(folder for folder in (group, *group.parents) if _CGROUP in folder.parents),
    ]
    left = [nbytes for folder in folders if (nbytes := _left_in(folder)) is not None]
    return min(left, default=None)


def _left_in(folder: Path) -> int | None:
    limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
    return None if limit is None or used is None else max(limit - used, 0)


def anonymous(nbytes: int, pages: Pages) -> npt.NDArray[np.uint8]:
    """Memory that belongs to no file, with every page written once.

    Parameters
    ----------
    nbytes : int
    pages : {"huge", "small"}
        Pages that the kernel is asked for; `has_huge_pages` says whether it gave huge ones.

    Returns
    -------
    ndarray of uint8, shape (nbytes,)
    """
    memory = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    wanted = "MADV_HUGEPAGE" if pages == "huge" else "MADV_NOHUGEPAGE"
    if hasattr(mmap, wanted):
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(getattr(mmap, wanted))
    values = np.frombuffer(memory, np.uint8)
    values.fill(0x5A)
    return values


def has_huge_pages(values: npt.NDArray[Any]) -> bool | None:
    """Whether most of the memory lies in huge pages; None where the system does not say."""
    start, size, inside = values.ctypes.data, values.nbytes, False
    huge = 0
    lines = lines_of(Path("/proc/self/smaps"))
    if not lines:
        return None
    for line in lines:
        first = line.split(maxsplit=1)[0]
        if "-" in first and not first.endswith(":"):
            begin, end = (int(part, 16) for part in first.split("-"))
            inside = begin < start + size and start < end
        elif inside and first == "AnonHugePages:":
            huge += 1024 * int(line.split()[1])
    return huge > size // 2


class PeakResident:
    """The most anonymous memory (RssAnon) that this process held while a block ran.

    It is sampled every five milliseconds, so shorter peaks may be missed. Mapped pages of files do
    not count.

    Attributes
    ----------
    nbytes : int or None
        The peak in bytes; None where the system does not report it (outside Linux).
    """

    def __init__(self) -> None:
        self.nbytes = resident_bytes()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meadow-rss", daemon=True)

    def _look(self) -> None:
        now = resident_bytes()
        if now is not None:
            self.nbytes = max(self.nbytes or 0, now)

    def _watch(self) -> None:
        while not self._ended.wait(0.005):
            self._look()

    def __enter__(self) -> PeakResident:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()


def resident_bytes() -> int | None:
    """Anonymous memory of this process; None where the system does not say."""
    kibibytes = field_of(Path("/proc/self/status"), "RssAnon:")
    return None if kibibytes is None else 1024 * kibibytes


def field_of(path: Path, name: str) -> int | None:
    """The number after `name` in a file of the kernel; None if `name` is not there."""
    line = next((line for line in lines_of(path) if line.startswith(name)), None)
    return None if line is None else int(line.split()[1])


def _number(path: Path) -> int | None:
    lines = lines_of(path)
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None


def lines_of(path: Path) -> list[str]:
    """The lines of a file of the kernel; an empty list if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
