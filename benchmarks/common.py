"""What every benchmark prints beside its figures, and how it takes them."""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from meadow_py import _core

T = TypeVar("T")


def machine() -> dict[str, Any]:
    """CPU, instruction set, cores and versions: a figure without them means nothing."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _proc("/proc/cpuinfo") if "model name" in line),
        platform.processor() or platform.machine(),
    )
    family = {
        line.split(":", 1)[0].strip(): line.split(":", 1)[1].strip()
        for line in _proc("/proc/cpuinfo")[:12]
        if ":" in line
    }
    return {
        "cpu": f"{cpu} (family {family.get('cpu family', '?')}, model {family.get('model', '?')})",
        "isa": _core.isa_active(),
        "cores": _core.hardware_threads(),
        "numpy": np.__version__,
        "compiler": _core.build_info()["compiler"],
    }


def _proc(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def test_data() -> Path:
    """The folder of real weights; without it there is nothing honest to measure."""
    folder = os.environ.get("MEADOW_TEST_DATA", "")
    if not Path(folder, "weights").is_dir():
        raise SystemExit("needs real weights: set MEADOW_TEST_DATA to a folder that holds weights/")
    return Path(folder)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds of wall time, and the result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    return statistics.median(timed(call)[0] for _ in range(repeats))


class PeakAnonymousMemory:
    """Samples RssAnon of this process while a block runs; `bytes` is the most that was seen."""

    def __init__(self, every_s: float = 0.002) -> None:
        self.bytes = 0
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> PeakAnonymousMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.is_set():
            self.bytes = max(self.bytes, anonymous_bytes())
            time.sleep(self._every_s)


def anonymous_bytes() -> int:
    """Resident anonymous memory of this process (RssAnon; mapped file pages are not in it)."""
    for line in _proc("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this kernel does not report RssAnon")
