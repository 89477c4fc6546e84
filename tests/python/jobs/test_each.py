"""Independent items here and on executors; stopping them."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from meadow_py.jobs import Stop, each


def test_here_in_order() -> None:
    assert list(each(str, [3, 1, 2])) == [(0, "3"), (1, "1"), (2, "2")]


def test_on_threads_as_they_get_done() -> None:
    first_may_end = threading.Event()

    def work(n: int) -> int:
        if n == 0:
            assert first_may_end.wait(60)
        return n * n

    with ThreadPoolExecutor(2) as executor:
        found = []
        for position, result in each(work, range(5), executor):
            found.append((position, result))
            if len(found) == 4:
                first_may_end.set()
    assert found[-1] == (0, 0)
    assert sorted(found) == [(n, n * n) for n in range(5)]


def test_a_failure_comes_out_and_what_has_not_begun_is_cancelled() -> None:
    begun = []
    over = threading.Event()

    def work(n: int) -> None:
        begun.append(n)
        if n == 0:
            raise OSError("weight 0")
        assert over.wait(60)

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(OSError, match="weight 0"):
            list(each(work, range(100), executor))
        over.set()
    assert set(begun) <= {0, 1}


def test_who_leaves_early_stops_the_rest() -> None:
    stop = Stop()
    with ThreadPoolExecutor(1) as executor:
        for _position, _result in each(str, range(50), executor, stop):
            break
    with pytest.raises(CancelledError):
        stop.check()


def test_all_done_asks_nobody_to_stop() -> None:
    stop = Stop()
    with ThreadPoolExecutor(2) as executor:
        list(each(str, range(5), executor, stop))
    stop.check()


def test_a_copy_in_another_process_is_a_new_stop() -> None:
    stop = Stop()
    stop.ask()
    pickle.loads(pickle.dumps(stop)).check()


@pytest.mark.parametrize("wrong", [4, "threads", ThreadPoolExecutor])
def test_no_executor(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"executor is a .*: expected a concurrent.futures"):
        each(str, [1], wrong)


def test_any_executor_will_do() -> None:
    class AtOnce(Executor):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(function(*args, **kwargs))
            return future

    assert sorted(each(str, [1, 2], AtOnce())) == [(0, "1"), (1, "2")]
