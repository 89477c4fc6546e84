"""A control group that limits the memory of a child process, file pages counted."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")


class MemoryGroup:
    """One control group of version 1 or 2, which `made` removes again.

    Attributes
    ----------
    path : path
    version : int
        1 or 2.
    """

    def __init__(self, path: Path, version: int) -> None:
        self.path = path
        self.version = version

    def enter(self) -> None:
        """Put this process into it; its pages are counted there from now on."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def peak_bytes(self) -> int | None:
        """The most memory that was in use, file pages counted; None where the kernel says not."""
        name = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        with contextlib.suppress(OSError):
            return int((self.path / name).read_text())
        return None


@contextlib.contextmanager
def made(limit: int) -> Iterator[MemoryGroup | None]:
    """A group of at most `limit` bytes below that of this process; None if none may be made."""
    group = next(filter(None, (_tried(parent, limit) for parent in _parents())), None)
    try:
        yield group
    finally:
        if group is not None:
            _remove(group.path)


def _parents() -> Iterator[tuple[Path, int]]:
    """Where a group may be made: below our own first."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "memory" in controllers.split(","):
            root = MOUNT / "memory"
            yield root / own.lstrip("/"), 1
            yield root, 1
        elif not controllers:
            for root in (MOUNT, MOUNT / "unified"):
                yield root / own.lstrip("/"), 2
                yield (root / own.lstrip("/")).parent, 2


def _tried(parent: tuple[Path, int], limit: int) -> MemoryGroup | None:
    folder, version = parent
    path = folder / f"meadow-{secrets.token_hex(4)}"
    name = "memory.limit_in_bytes" if version == 1 else "memory.max"
    try:
        path.mkdir()
    except OSError:
        return None
    try:
        (path / name).write_text(str(limit))
        if version == 2:
            with contextlib.suppress(OSError):
                (path / "memory.swap.max").write_text("0")
    except OSError:
        _remove(path)
        return None
    return MemoryGroup(path, version)


def _remove(path: Path) -> None:
    for _ in range(50):  # until the kernel has let go of the process that was in it
        try:
            path.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
