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
    """Memory that a measurement may fill: half of what the system and all limits leave free.

    Returns
    -------
    int
        Bytes. The least counts of: MemAvailable, the room below the limits of control groups
        (versions 1 and 2), and the address space that RLIMIT_AS leaves.
    """
    free = [left for left in (_available(), _left_in_groups(), _left_to_map()) if left is not None]
    return int(_USABLE * min(free, default=1 << 30))


def _available() -> int | None:
    kibibytes = field_of(Path("/proc/meminfo"), "MemAvailable:")
    return None if kibibytes is None else kibibytes * 1024


def _left_to_map() -> int | None:
    """Bytes of address space that the process may still map; None without a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    kibibytes = field_of(Path("/proc/self/status"), "VmSize:")
    if limit == resource.RLIM_INFINITY or kibibytes is None:
        return None
    return max(limit - 1024 * kibibytes, 0)


def _left_in_groups(root: Path = _CGROUP, groups: Path = Path("/proc/self/cgroup")) -> int | None:
    """The smallest amount left by any control group that contains this process."""
    left: list[int] = []
    for line in lines_of(groups):  # "0::/path" in version 2, "9:memory:/path" in version 1
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            top, names = root, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            top, names = root / controllers, ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        left += [nbytes for f in _up_to(top, path) if (nbytes := _left_in(f, *names)) is not None]
    return min(left, default=None)


def _up_to(top: Path, path: str) -> list[Path]:
    """A group and those above it. A container may see its own group as the root, `top`."""
    parts = path.strip().lstrip("/").split("/")
    return [top, *(top.joinpath(*parts[:n]) for n in range(1, len(parts) + 1) if ".." not in parts)]


def _left_in(folder: Path, limit_name: str, used_name: str) -> int | None:
    limit, used = _number(folder / limit_name), _number(folder / used_name)
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

    Raises
    ------
    MemoryError
        If the system gives no such memory.
    """
    try:
        memory = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"the system gives no {nbytes} bytes of memory: {error}") from error
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
