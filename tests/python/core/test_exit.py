"""The end of the interpreter while the core computes."""

from __future__ import annotations

import subprocess
import sys

import pytest

_BUSY = """
import threading
import time
import numpy as np
from meadow_py import _core

data = np.zeros(1 << 24, np.uint8)
started = threading.Event()

def compute():
    while True:
        _core.read_stream(data, 1)
        started.set()

for _ in range(3):
    threading.Thread(target=compute, daemon=True).start()
started.wait()
time.sleep({pause})
"""
_LATE = """
import numpy as np
from meadow_py import _core

class Last:
    def __init__(self):
        self.data = np.zeros(1 << 16, np.uint8)
        self.read = _core.read_stream

    def __del__(self):
        self.read(self.data, 1)
        print("read")

last = Last()
last.cycle = last
"""


def _run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("pause", [0.001, 0.01, 0.03, 0.05])
def test_daemon_threads_in_the_core_do_not_abort_the_process(pause: float) -> None:
    done = _run(_BUSY.format(pause=pause))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_thread_that_ends_the_interpreter_may_still_call_the_core() -> None:
    done = _run(_LATE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "read\n", "")
