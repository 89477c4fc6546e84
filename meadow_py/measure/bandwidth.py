"""How fast this host reads memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from meadow_py.checks import check_threads
from meadow_py.measure.host import host
from meadow_py.measure.memory import Pages, anonymous, has_huge_pages, usable_bytes
from meadow_py.measure.timing import TaskTime, in_turn

CACHE_MULTIPLE = 4  # of the last-level cache, so that little of the last run is still in it
_LEAST_BYTES = 256 << 20
_SMALLEST = 1 << 12


@dataclass(frozen=True)
class Bandwidth:
    """Bandwidth of reading memory, with eight streams per thread.

    Attributes
    ----------
    bytes_per_second : float
        Median of the runs.
    bytes_per_second_min, bytes_per_second_max : float
        Slowest and fastest run.
    nbytes : int
        Bytes read in one run.
    threads : int
        Number of threads; 0 means one per core.
    pages : str
        Pages that the system was asked for: ``huge`` or ``small``.
    has_huge_pages : bool or None
        Whether the memory lay in transparent huge pages; None where the system does not say.
    isa : str
        Instruction set that the core used.
    runs : int
        Number of timed runs.
    """

    bytes_per_second: float
    bytes_per_second_min: float
    bytes_per_second_max: float
    nbytes: int
    threads: int
    pages: str
    has_huge_pages: bool | None
    isa: str
    runs: int

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types.

        Returns
        -------
        dict
        """
        return dict(vars(self))


def beyond_cache_bytes() -> int:
    """Bytes to read in a round so that they come from memory: four times the last-level cache.

    It is at most the memory that a measurement may fill.
    """
    return min(CACHE_MULTIPLE * host().last_level_cache_bytes, usable_bytes())


def read_bandwidth(
    threads: int | None = 0,
    nbytes: int | None = None,
    pages: Pages = "huge",
    *,
    fresh: bool = False,
) -> Bandwidth:
    """Measure how fast this host reads memory, or return an earlier measurement.

    Parameters
    ----------
    threads : int, optional
        None and 0 mean all cores.
    nbytes : int, optional
        Bytes to read in a run. None means four times the last-level cache, at least 256 MiB, but
        at most half of the free memory.
    pages : {"huge", "small"}
        Pages of the memory that is read: transparent huge pages (2 MiB) or the system's normal
        pages (4 KiB).
    fresh : bool
        Measure again. Otherwise each combination of arguments is measured only once in a process.

    Returns
    -------
    Bandwidth

    Raises
    ------
    ValueError
        For arguments out of range.
    MemoryError
        If there is not enough memory.

    Notes
    -----
    Nothing is written, and each cache line is read once. The bandwidth of a virtual machine varies
    with the load of its neighbours: compare only figures measured within the same minute.
    """
    if pages not in ("huge", "small"):
        raise ValueError(f"pages={pages!r}: expected 'huge' or 'small'")
    if nbytes is not None and nbytes < _SMALLEST:
        raise ValueError(f"nbytes={nbytes}: expected at least {_SMALLEST}")
    from meadow_py import _core

    if fresh:
        _measured.cache_clear()
    return _measured(check_threads(threads), nbytes, pages, _core.isa_active())


def best_read_bandwidth(threads: int | None = 0, *, fresh: bool = False) -> Bandwidth:
    """The faster of the bandwidths with huge and small pages; see `read_bandwidth`."""
    huge = read_bandwidth(threads, pages="huge", fresh=fresh)
    small = read_bandwidth(threads, pages="small")  # `fresh` above cleared this one too
    return max(huge, small, key=lambda bandwidth: bandwidth.bytes_per_second)


@cache
def _measured(threads: int, nbytes: int | None, pages: Pages, isa: str) -> Bandwidth:
    from meadow_py import _core

    if nbytes is None:
        wanted = max(CACHE_MULTIPLE * host().last_level_cache_bytes, _LEAST_BYTES)
        nbytes = max(min(wanted, usable_bytes()), _SMALLEST)
    nbytes -= nbytes % 8
    memory = anonymous(nbytes, pages)
    timing = in_turn({"read": lambda: _core.read_stream(memory, threads)})["read"]
    return _bandwidth(timing, nbytes, threads, pages, has_huge_pages(memory), isa)


def _bandwidth(
    timing: TaskTime, nbytes: int, threads: int, pages: Pages, huge: bool | None, isa: str
) -> Bandwidth:
    return Bandwidth(
        bytes_per_second=nbytes / timing.seconds,
        bytes_per_second_min=nbytes / timing.seconds_max,
        bytes_per_second_max=nbytes / timing.seconds_min,
        nbytes=nbytes,
        threads=threads,
        pages=pages,
        has_huge_pages=huge,
        isa=isa,
        runs=timing.runs,
    )
