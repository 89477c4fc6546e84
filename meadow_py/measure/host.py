"""CPU, caches and memory of this host, as the system reports them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from meadow_py.measure.memory import field_of, lines_of

_CPUS = Path("/sys/devices/system/cpu")
# The last-level cache that is assumed where the system does not report one: more than most have.
UNKNOWN_CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class Cache:
    """One cache.

    Attributes
    ----------
    level : int
    kind : str
        ``data``, ``instruction`` or ``unified``.
    nbytes : int
        Size in bytes.
    cores : int
        Number of logical CPUs that share it and that this process may use.
    """

    level: int
    kind: str
    nbytes: int
    cores: int


@dataclass(frozen=True)
class Host:
    """The machine that figures were measured on.

    Attributes
    ----------
    cpu : str
        Name of the CPU.
    machine : str
        ``x86_64`` or ``aarch64``.
    family, model, stepping : int or None
        Numbers that identify an x86 CPU whose name does not.
    isa : str
        Instruction set that the core uses.
    isas : tuple of str
        Instruction sets that it could use.
    cores : int
        Number of logical CPUs that this process may use.
    caches : tuple of Cache
        Caches of these CPUs, lowest level first; empty where the system does not report them.
    memory_bytes : int or None
        All memory of the machine.
    system : str
        Operating system and its release.
    """

    cpu: str
    machine: str
    family: int | None
    model: int | None
    stepping: int | None
    isa: str
    isas: tuple[str, ...]
    cores: int
    caches: tuple[Cache, ...]
    memory_bytes: int | None
    system: str

    @property
    def last_level_cache_bytes(self) -> int:
        """Size of all last-level caches of these CPUs; `UNKNOWN_CACHE_BYTES` where unknown."""
        last = max((cache.level for cache in self.caches), default=0)
        return sum(c.nbytes for c in self.caches if c.level == last) or UNKNOWN_CACHE_BYTES

    def to_dict(self) -> dict[str, Any]:
        """The host as JSON types.

        Returns
        -------
        dict
        """
        data = asdict(self)
        return {
            **data,
            "isas": list(self.isas),
            "caches": list(data["caches"]),
            "last_level_cache_bytes": self.last_level_cache_bytes,
        }


def host() -> Host:
    """Describe this machine: CPU, instruction sets, caches and memory. Nothing is measured.

    Returns
    -------
    Host
    """
    from meadow_py import _core

    told = _cpu_info()
    memory = field_of(Path("/proc/meminfo"), "MemTotal:")
    return Host(
        cpu=told.get("model name") or _arm_name(told) or platform.processor() or "unknown",
        machine=platform.machine(),
        family=_integer(told.get("cpu family")),
        model=_integer(told.get("model")),
        stepping=_integer(told.get("stepping")),
        isa=_core.isa_active(),
        isas=tuple(_core.isa_available()),
        cores=_core.hardware_threads(),
        caches=_caches(),
        memory_bytes=None if memory is None else 1024 * memory,
        system=f"{platform.system()} {platform.release()}",
    )


def _cpu_info() -> dict[str, str]:
    """The first processor of /proc/cpuinfo."""
    told: dict[str, str] = {}
    for line in lines_of(Path("/proc/cpuinfo")):
        if not line.strip() and told:
            break
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    return told


def _arm_name(told: dict[str, str]) -> str | None:
    """On AArch64 the system reports only numbers: those of the implementer and of the part."""
    if "CPU part" not in told:
        return None
    return f"implementer {told.get('CPU implementer', '?')} part {told['CPU part']}"


@cache
def _caches() -> tuple[Cache, ...]:
    """The distinct caches of the CPUs that this process may use."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    seen: dict[tuple[int, str, str], tuple[int, int]] = {}
    for cpu in usable:
        for level, kind, nbytes, shared in _caches_of(cpu):
            cores = sum(other in _cpu_list(shared) for other in usable)
            seen[level, kind, shared] = (nbytes, cores)
    found = [Cache(level, kind, *about) for (level, kind, _), about in seen.items()]
    return tuple(sorted(found, key=lambda cache: (cache.level, cache.kind)))


def _caches_of(cpu: int) -> Iterator[tuple[int, str, int, str]]:
    for folder in sorted(_CPUS.glob(f"cpu{cpu}/cache/index*")):
        told = {name: lines_of(folder / name) for name in ("level", "type", "size")}
        shared = lines_of(folder / "shared_cpu_list")
        if not all(told.values()) or not shared or not told["size"][0].endswith("K"):
            continue
        kibibytes = _integer(told["size"][0][:-1])
        level = _integer(told["level"][0])
        if kibibytes and level:
            yield level, told["type"][0].lower(), 1024 * kibibytes, shared[0]


def _cpu_list(text: str) -> set[int]:
    """The numbers in a list such as ``0-3,8``."""
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    return cpus


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
