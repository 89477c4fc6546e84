"""Call one function for many independent items, in this thread or on an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from typing import Any, TypeVar

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
