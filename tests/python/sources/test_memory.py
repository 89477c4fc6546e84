"""Reading a checkpoint larger than the memory that it may cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

MIB = 2**20
WALK = """
import gc, sys
from meadow_py.dispatch import open_checkpoint
if sys.argv[1].endswith(".bin"):
    import torch
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
def walk():
    with open_checkpoint(sys.argv[1]) as checkpoint:
        peak = 0
        for weight in checkpoint.weights:
            assert int(weight.array().view("u2").max()) == 17
            peak = max(peak, anonymous())
        return peak
import numpy
before = anonymous()
peak = walk()
gc.collect()
print(peak - before, anonymous() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_walking_200_mib_costs_almost_no_anonymous_memory(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    arrays = {f"layers.{i}.w": np.full((2048, 5120), 17, np.uint16).view("f2") for i in range(10)}
    if suffix == ".bin":
        torch = pytest.importorskip("torch")
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    else:
        save_file(arrays, path)
    assert path.stat().st_size > 200 * 10**6
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peak, after = map(int, done.stdout.split())
    assert peak < 16 * MIB, f"{peak / MIB:.1f} MiB of anonymous memory"
    assert after < 16 * MIB
