"""Work on threads, results in order, and no more under way than memory should hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from meadow_py import _core

_Result = TypeVar("_Result")


def used_threads(threads: int) -> int:
    """The number of threads that 0 stands for; ValueError for what is none."""
    from meadow_py.quantize import MAX_THREADS, check_threads

    if not isinstance(threads, bool | float) and threads == 0:
        return min(_core.hardware_threads(), MAX_THREADS)
    return check_threads(threads)


def in_order(
    tasks: Iterable[tuple[int, Callable[[], _Result]]], threads: int, most: int
) -> Generator[_Result, None, None]:
    """The results of tasks in their order, computed on threads ahead of who asks.

    Parameters
    ----------
    tasks : iterable of (int, callable)
        Each with its cost in bytes.
    most : int
        Bytes that tasks which have begun may cost together; a single one may cost more.
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
        except KeyboardInterrupt:  # meant for the whole process, so its calls into the core end
            _core.cancel_running()
            raise
        finally:
            for _, future in waiting:
                future.cancel()
