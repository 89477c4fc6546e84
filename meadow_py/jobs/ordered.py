"""Work on threads with results in order, and a limit on the memory of unfinished work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from meadow_py import _core

_Result = TypeVar("_Result")


def used_threads(threads: int) -> int:
    """The number of threads, with 0 resolved to all cores; ValueError if it is not valid."""
    from meadow_py.checks import MAX_THREADS, check_threads

    if not isinstance(threads, bool | float) and threads == 0:
        return min(_core.hardware_threads(), MAX_THREADS)
    return check_threads(threads)


def in_order(
    tasks: Iterable[tuple[int, Callable[[], _Result]]], threads: int, most: int
) -> Generator[_Result, None, None]:
    """Yield the results of tasks in their order, computed ahead of the caller on threads.

    Parameters
    ----------
    tasks : iterable of (int, callable)
        Pairs of a cost in bytes and the function to call.
    threads : int
        Number of threads.
    most : int
        Limit in bytes on the cost of all started tasks together; a single task may cost more.
    """
    waiting: deque[tuple[int, Future[_Result]]] = deque()
    cost = 0
    with ThreadPoolExecutor(threads, "meadow") as pool:
        try:
            for size, task in tasks:
                while waiting and (cost + size > most or len(waiting) >= 4 * threads):
                    cost -= waiting[0][0]
                    yield waiting.popleft()[1].result()
                waiting.append((size, pool.submit(task)))
                cost += size
            while waiting:
                yield waiting.popleft()[1].result()
        except KeyboardInterrupt:  # meant for the whole process, so end its calls into the core
            _core.cancel_running()
            raise
        finally:
            for _, future in waiting:
                future.cancel()
