"""Every call that changes a disk fails in turn, or the process ends there, and at any instant."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp

Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of two shards each, and what they pack to."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("one", "two")):
        (folder / name).mkdir()
        for n in range(2):
            values = np.random.default_rng(10 * seed + n).standard_normal((20, 16 + n))
            save_file({f"w{n}": values.astype(np.float32)}, folder / name / f"m-{n}.safetensors")
        (folder / name / "config.json").write_text('{"model_type": "opt"}')
        (folder / name / "sub").mkdir()
        (folder / name / "sub/notes.txt").write_text(name)
        mp.pack(folder / name, folder / {"one": "old", "two": "new"}[name])
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="renames as Linux does")
@pytest.mark.parametrize("how", ["fail", "kill"])
@pytest.mark.parametrize("work", ["pack", "replace", "unpack"])
def test_at_every_call(work: str, how: str, models: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "old", "new"):
        shutil.copytree(models / name, tmp_path / name)
    runner = Path(__file__).with_name("fault_runner.py")
    run = subprocess.run(
        [sys.executable, str(runner), work, how, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 15


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model that takes some time to pack, and what it packs to."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "model").mkdir()
    values = np.random.default_rng(1).standard_normal((1024, 2048)).astype(np.float32)
    for n in range(6):
        part = {f"layers.{n}.{k}.weight": values + n for k in range(3)}
        save_file(part, folder / f"model/m-{n}.safetensors")
    mp.pack(folder / "model", folder / "packed", codec="small")
    return folder / "model", folder / "packed"


WORK = {
    "pack": "mp.pack(sys.argv[1], sys.argv[3], codec='small', threads=1)",
    "unpack": "mp.unpack(sys.argv[2], sys.argv[3], threads=1)",
}


def start(work: str, large: tuple[Path, Path], target: Path) -> subprocess.Popen[bytes]:
    script = f"import sys, meadow_py as mp, meadow_py.checkpoint; print(flush=True); {WORK[work]}"
    command = [sys.executable, "-c", script, *map(str, large), str(target)]
    made = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert made.stdout is not None
    made.stdout.readline()
    return made


@pytest.mark.parametrize("work", ["pack", "unpack"])
def test_killed_at_any_instant(
    work: str, large: tuple[Path, Path], tmp_path: Path, tree: Tree
) -> None:
    target = tmp_path / "target"
    expected = tree(large[1] if work == "pack" else large[0])
    with start(work, large, target) as whole:
        begun = time.perf_counter()
        assert whole.wait() == 0
    takes = time.perf_counter() - begun
    assert tree(target) == expected
    shutil.rmtree(target)
    chance = random.Random(5)
    killed = 0
    for n in range(8):
        if n % 2:  # from the start, rather than from where it stopped
            shutil.rmtree(tmp_path / ".target.meadow-partial", ignore_errors=True)
        with start(work, large, target) as run:
            time.sleep(chance.uniform(0.05, 0.7) * takes)
            run.send_signal(signal.SIGKILL)
            killed += run.wait() == -signal.SIGKILL
        if target.exists():
            assert tree(target) == expected
            shutil.rmtree(target)
    assert killed
    with start(work, large, target) as again:
        assert again.wait() == 0
    assert tree(target) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_ctrl_c_leaves_what_can_be_gone_on_from(
    large: tuple[Path, Path], tmp_path: Path, tree: Tree
) -> None:
    target, partial = tmp_path / "target", tmp_path / ".target.meadow-partial"
    with start("pack", large, target) as run:
        while len(list(partial.glob("*.meadow.safetensors"))) < 2 and run.poll() is None:
            time.sleep(0.005)
        run.send_signal(signal.SIGINT)
        assert run.wait() in (-signal.SIGINT, 130, 1)
    assert not target.exists()
    left = {path.name for path in partial.iterdir()}
    assert len(left) >= 2
    assert all(name.endswith(".meadow.safetensors") for name in left)
    made = mp.pack(large[0], target, codec="small")
    assert len(made.kept) == len(left)
    assert tree(target) == tree(large[1])
    assert not partial.exists()


def test_what_was_packed_of_another_source_is_not_kept(
    large: tuple[Path, Path], models: Path, tmp_path: Path, tree: Tree
) -> None:
    target, partial = tmp_path / "target", tmp_path / ".target.meadow-partial"
    shutil.copytree(large[1], partial)
    shutil.copy(models / "old/m-0.meadow.safetensors", partial / "m-0.meadow.safetensors")
    made = mp.pack(models / "two", target)
    assert made.kept == ()
    assert tree(target) == tree(models / "new")
    shutil.rmtree(target)
    shutil.copytree(models / "new", partial)
    (partial / "m-1.meadow.safetensors").write_bytes(b"damaged")
    assert mp.pack(models / "two", target).kept == ("m-0.safetensors",)
    assert tree(target) == tree(models / "new")
    shutil.rmtree(target)
    shutil.copytree(models / "new", partial)
    assert mp.pack(models / "two", target, codec="raw").kept == ()
