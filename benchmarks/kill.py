"""Kill packing and unpacking at many instants: what loads is whole, the next run completes it.

python benchmarks/kill.py FOLDER [--instants 50] [--gigabytes 5]

FOLDER needs about three times the size of the model. Writes a line for each instant.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

import meadow_py as mp

WORK = {
    "pack": "mp.pack('model', 'target', threads=1, progress=False)",
    "unpack": "mp.unpack('packed', 'target', threads=1, progress=False)",
}
LEAST_SECONDS = 10


def make_model(folder: Path, gigabytes: float) -> None:
    """Shards of 0.5 GB, each of five BF16 tensors."""
    folder.mkdir()
    rows = np.random.default_rng(0).standard_normal((250, 8000)).astype(np.float32)
    for n in range(round(2 * gigabytes)):
        part = {
            f"layers.{n}.{k}.weight": np.tile(rows * (1 + n + k / 7), (25, 1)).astype(
                ml_dtypes.bfloat16
            )
            for k in range(5)
        }
        save_file(part, folder / f"model-{n:05}.safetensors")
    (folder / "config.json").write_text('{"model_type": "opt"}')


def digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                name = path.relative_to(folder).as_posix()
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def start(work: str, folder: Path) -> subprocess.Popen[bytes]:
    script = f"import meadow_py as mp, meadow_py.checkpoint; print(flush=True); {WORK[work]}"
    made = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE)
    assert made.stdout is not None
    made.stdout.readline()
    return made


def complete(work: str, folder: Path) -> float:
    """Run the work to its end; the seconds it took."""
    with start(work, folder) as run:
        begun = time.perf_counter()
        if run.wait() != 0:
            sys.exit(f"{work} failed with {run.returncode}")
        return time.perf_counter() - begun


def kill_once(work: str, folder: Path, after: float, expected: dict[str, str]) -> str:
    """What was there after the process was killed, before and after another run."""
    target, partial = folder / "target", folder / ".target.meadow-partial"
    with start(work, folder) as run:
        time.sleep(after)
        run.send_signal(signal.SIGKILL)
        killed = run.wait() == -signal.SIGKILL
    there = target.exists()
    if there and digests(target) != expected:
        sys.exit(f"{work}: a wrong target after {after:.2f} s")
    finished = [path for path in partial.rglob("*.safetensors") if path.is_file()]
    for path in finished:
        if work == "pack":
            mp.verify(path, progress=False)
    try:
        mp.open_checkpoint(partial).close()
        opens = work == "pack"
    except (OSError, ValueError):
        opens = False
    if opens:
        sys.exit(f"{work}: the unfinished folder opens after {after:.2f} s")
    seconds = complete(work, folder)
    if digests(target) != expected or partial.exists():
        sys.exit(f"{work}: not identical after {after:.2f} s and another run")
    state = "killed" if killed else "ended before"
    return f"{state}, {len(finished)} files finished, target {there}, again {seconds:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--instants", type=int, default=50, help="over both verbs together")
    parser.add_argument("--gigabytes", type=float, default=5)
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model").exists():
        make_model(folder / "model", options.gigabytes)
    if not (folder / "packed").exists():
        mp.pack(folder / "model", folder / "packed", progress=False)
    chance = np.random.default_rng(7)
    for work, original in (("pack", "packed"), ("unpack", "model")):
        expected = digests(folder / original)
        shutil.rmtree(folder / "target", ignore_errors=True)
        takes = complete(work, folder)
        print(f"{work} takes {takes:.1f} s", flush=True)
        if takes < LEAST_SECONDS:
            sys.exit(f"shorter than {LEAST_SECONDS} s: give more --gigabytes")
        count = options.instants // 2
        for n in range(count):
            shutil.rmtree(folder / "target")
            share = 0.05 + 0.9 * (n + chance.random()) / count
            said = kill_once(work, folder, share * takes, expected)
            print(f"{work} at {100 * share:.0f} %: {said}", flush=True)
    print("never a wrong file, always identical")


if __name__ == "__main__":
    main()
