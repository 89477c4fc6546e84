"""One packed tensor in memory at a time, whatever the size of the model: peak RssAnon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

MB = 1_000_000

WORK = """
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

source, packed, again = sys.argv[1:]
watcher = threading.Thread(target=watch, daemon=True)
peaks = []
watcher.start()
for work in (lambda: mp.pack(source, packed), lambda: mp.verify(packed),
             lambda: mp.unpack(packed, again)):
    peak = 0
    work()
    peaks.append(peak)
done.set()
watcher.join()
print(*peaks)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RssAnon is Linux's")
def test_peak_anonymous_memory(tmp_path: Path) -> None:
    """Twelve tensors of 50 MB in six files: 600 MB."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((128, 8192), np.float32)
    (tmp_path / "model").mkdir()
    for n in range(6):
        values = np.tile(rows * (n + 1), (24, 1)).astype(ml_dtypes.bfloat16)
        part = {f"layers.{2 * n + k}.weight": values for k in range(2)}
        save_file(part, tmp_path / f"model/model-{n:05}.safetensors")
    largest = values.nbytes
    run = subprocess.run(
        [sys.executable, "-c", WORK, *(str(tmp_path / n) for n in ("model", "packed", "again"))],
        capture_output=True,
        text=True,
        check=True,
    )
    packing, verifying, unpacking = map(int, run.stdout.split())
    assert 15 * MB < packing < 0.9 * largest + 35 * MB  # two packed tensors are more
    assert 15 * MB < verifying < 150 * MB
    assert 15 * MB < unpacking < 150 * MB
