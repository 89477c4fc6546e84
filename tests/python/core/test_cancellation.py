"""Ending one long call of the core: by Ctrl-C, by another handler, from another thread."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from meadow_py import _core

GIB = 1 << 30
MAP_NORESERVE = 0x4000  # Linux; Python names it from 3.12 on


def zeros(gib: int) -> np.ndarray:
    """Pages that nobody writes: no memory, but 0.3 to 0.6 s for each GiB to count on a thread."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    return np.frombuffer(mmap.mmap(-1, gib * GIB, flags=flags), np.uint8)


def count_into(results: list[Any], values: np.ndarray, threads: int) -> None:
    """Append the counts of `values`.

    In C from end to end: what a signal handler raises after the core's call has returned finds
    the result in its place.
    """
    results.extend(map(_core.symbol_counts, [values], [8], [threads]))


def check_that_the_core_works() -> None:
    codes = np.arange(1 << 18, dtype=np.uint32).view(np.uint8).reshape(1024, -1)
    np.testing.assert_array_equal(
        _core.symbol_counts(codes, 8, 3), np.bincount(codes.reshape(-1), minlength=256)
    )
    stream = _core.Chunks(codes, 8, 4, "in", 3).pack_packets(True)
    np.testing.assert_array_equal(_core.decode(stream, 3), codes)


def be_interrupted(threads: int) -> None:
    """What the child process does."""
    # A shell that starts tests in the background may have had SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    values = zeros(16)
    results: list[Any] = []
    try:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        count_into(results, values, threads)
    except KeyboardInterrupt:
        sys.stdout.write(f"interrupted {len(results)}\n")
    check_that_the_core_works()
    sys.stdout.write("works\n")


@pytest.mark.parametrize("threads", [1, 3])
def test_ctrl_c_ends_a_call(threads: int) -> None:
    command = [sys.executable, __file__, str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
    assert rest == "interrupted 0\nworks\n"
    assert child.returncode == 0


@contextmanager
def signal_handled_by(handler: Callable[[], None]) -> Iterator[None]:
    """Have `handler` called once, soon, in the main thread."""
    before = signal.signal(signal.SIGUSR1, lambda *_: handler())
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_signal_handler_raises_ends_a_call(threads: int) -> None:
    def handler() -> None:
        raise LookupError("from the handler")

    results: list[Any] = []
    with signal_handled_by(handler), pytest.raises(LookupError, match="from the handler"):
        count_into(results, zeros(16), threads)
    assert results == []
    check_that_the_core_works()


def test_a_signal_handler_may_use_the_core_and_return() -> None:
    calls: list[int] = []

    def handler() -> None:
        check_that_the_core_works()
        calls.append(1)

    with signal_handled_by(handler):
        counts = _core.symbol_counts(zeros(1), 8, 3)
    assert calls == [1]
    assert counts[0] == counts.sum() == GIB


def cancel_until_done(futures: list[Future[Any]]) -> None:
    """Again and again: a call may begin after the first time."""
    while not all(future.done() for future in futures):
        time.sleep(0.1)
        _core.cancel_running()


def test_cancel_running_ends_calls_in_other_threads() -> None:
    with ThreadPoolExecutor(3) as executor:
        futures = [executor.submit(_core.symbol_counts, zeros(16), 8, n) for n in (1, 2, 3)]
        cancel_until_done(futures)
    for future in futures:
        with pytest.raises(CancelledError, match="cancel_running"):
            future.result()
    check_that_the_core_works()


def test_cancel_running_ends_a_call_in_the_main_thread() -> None:
    done: Future[None] = Future()
    thread = threading.Thread(target=cancel_until_done, args=([done],))
    thread.start()
    try:
        with pytest.raises(CancelledError):
            _core.symbol_counts(zeros(16), 8, 2)
    finally:
        done.set_result(None)
        thread.join()


def test_cancel_running_leaves_later_calls_alone() -> None:
    _core.cancel_running()
    counts = _core.symbol_counts(zeros(1), 8, 1)
    assert counts[0] == GIB
    check_that_the_core_works()


if __name__ == "__main__":
    be_interrupted(int(sys.argv[1]))
