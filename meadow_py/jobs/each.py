"""The same function for many independent items, here or on an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Stop:
    """Whether work in other threads of this process should end soon.

    A copy in another process is a new one: nothing here can stop what runs there.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """From now on `check` raises."""
        self._asked.set()

    def check(self) -> None:
        """Raise CancelledError if this was asked to stop."""
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
    """Position and result of ``function(item)`` for all items, as they get done.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        Where to run; None runs one after another in this thread. For other processes, function
        and items are pickled.
    stop : Stop, optional
        Asked to stop when this ends early: by an exception, Ctrl-C, or because the caller leaves.
        Items that have not begun are cancelled.

    Raises
    ------
    TypeError
        If the executor is none.
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
    except KeyboardInterrupt:  # meant for the whole process, so all its calls into the core end
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
