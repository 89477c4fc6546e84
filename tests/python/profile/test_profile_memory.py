"""One tensor in memory at a time: peak RssAnon over a checkpoint of many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

MB = 1_000_000

PROFILE = """
import sys, threading, time
import meadow_py as mp

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

peak, done = 0, threading.Event()

def watch():
    global peak
    while not done.is_set():
        peak = max(peak, anonymous())
        time.sleep(0.002)

watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
made = mp.profile(sys.argv[1], progress=False)
done.set()
watcher.join()
print(len(made.weights), peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RssAnon is Linux's")
def test_peak_anonymous_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    shape, count = (2048, 2048), 12
    for n in range(count):
        values = random.standard_normal(shape, np.float32)
        save_file({f"layers.{n}.weight": values}, tmp_path / f"model-{n:05}.safetensors")
    run = subprocess.run(
        [sys.executable, "-c", PROFILE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    weights, peak = map(int, run.stdout.split())
    largest = shape[0] * shape[1] * 4
    assert weights == count
    assert 20 * MB < peak < largest * 6 + 250 * MB
