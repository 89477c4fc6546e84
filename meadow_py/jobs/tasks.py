"""Independent tasks: one call for each of many items, and tasks on threads in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from meadow_py.checks import MAX_THREADS, check_threads

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Stop:
    """A request that work in other threads of this process ends soon.

    Pickling makes a new, independent one: nothing here can stop work in another process.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Let `check` raise from now on."""
        self._asked.set()

    def check(self) -> None:
        """Raise CancelledError if `ask` was called."""
        if self._asked.is_set():
            raise CancelledError("stopped")

    def __reduce__(self) -> tuple[Any, ...]:
        return Stop, ()


def each(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    executor: Executor | None = None,
    stop: Stop | None = None,
) -> Iterator[tuple[int, _Result]]:
    """Call ``function(item)`` for all items, and yield the results as they are finished.

    Parameters
    ----------
    function : callable
        Called with one item.
    items : sequence
        The items, which must not depend on each other.
    executor : concurrent.futures.Executor, optional
        Where to run; None runs one item after another in this thread. For other processes, the
        function and the items are pickled.
    stop : Stop, optional
        Asked to stop when this ends early: by an exception, by Ctrl-C, or because the caller closes
        the iterator. Items that have not begun are cancelled.

    Returns
    -------
    iterator of (int, result)
        The position of an item, and what the function returned for it.

    Raises
    ------
    TypeError
        If `executor` is not an Executor.
    """
    if executor is None:
        return ((n, function(item)) for n, item in enumerate(items))
    if not isinstance(executor, Executor):
        raise TypeError(
            f"executor is a {type(executor).__name__}: expected a concurrent.futures.Executor, as "
            "ThreadPoolExecutor, ProcessPoolExecutor, or get_executor() of a Dask client"
        )
    return _on_executor(function, items, executor, stop or Stop())


def _on_executor(
    function: Callable[[_Item], _Result], items: Sequence[_Item], executor: Executor, stop: Stop
) -> Iterator[tuple[int, _Result]]:
    position: dict[Future[_Result], int] = {}
    finished = False
    try:
        for n, item in enumerate(items):
            position[executor.submit(function, item)] = n
        for future in as_completed(position):
            yield position[future], future.result()
        finished = True
    except KeyboardInterrupt:  # meant for the whole process, so end all its calls into the core
        stop.ask()
        _cancel_core_calls()
        raise
    finally:
        if not finished:
            for future in position:
                future.cancel()
            stop.ask()


def _cancel_core_calls() -> None:
    from meadow_py import _core

    _core.cancel_running()


def used_threads(threads: int) -> int:
    """The number of threads, with 0 resolved to all cores; ValueError if it is not valid."""
    from meadow_py import _core

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
            _cancel_core_calls()
            raise
        finally:
            for _, future in waiting:
                future.cancel()
