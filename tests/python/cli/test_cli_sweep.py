"""`meadow sweep`, plots from the command line, and going on after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app
from meadow_py.cli.options import PLOT_KINDS
from meadow_py.views.plots import KINDS

runner = CliRunner()
CTRL_C = 130


@pytest.fixture
def model(tmp_path: Path) -> str:
    random = np.random.default_rng(4)
    names = ("fc1", "fc2", "self_attn.q_proj")
    tensors = {
        f"model.decoder.layers.0.{name}.weight": random.standard_normal((16, 16), np.float32)
        for name in names
    }
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    return str(path)


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, list(arguments), prog_name="meadow")
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_the_text_is_the_repr(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run("sweep", model).splitlines() == repr(mp.sweep(model)).splitlines()


def test_json_and_output_are_the_contract(model: str, tmp_path: Path) -> None:
    saved = tmp_path / "sweep.json"
    options = ("--bits", "8", "--granularity", "row", "--chunk-size", "2,3", "--role", "mlp")
    data = json.loads(run("sweep", model, *options, "--json", "-o", str(saved)))
    made = mp.Sensitivity.load(saved)
    assert data == json.loads(saved.read_text())
    expected = mp.sweep(model, bits=8, granularity="row", chunk_sizes=(2, 3), roles="mlp")
    assert made.best() == expected.best()
    assert made.profile.settings == expected.profile.settings


@pytest.mark.parametrize("verb", ["profile", "sweep"])
@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_plot(model: str, tmp_path: Path, verb: str, suffix: str, start: bytes) -> None:
    path = tmp_path / f"plot.{suffix}"
    run(verb, model, "--granularity", "row", "--chunk-size", "2,3", "--plot", str(path))
    assert path.read_bytes().startswith(start)


def test_every_kind_of_plot(model: str, tmp_path: Path) -> None:
    assert all(kind in PLOT_KINDS for kind in KINDS)
    saved = set()
    for kind in KINDS:
        path = tmp_path / f"{kind}.png"
        run("sweep", model, "--chunk-size", "2,3", "--plot", str(path), "--plot-kind", kind)
        saved.add(path.read_bytes())
    assert len(saved) == len(KINDS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--plot", "x.jpeg"), ".png, .svg, .pdf"),
        (("--plot", "x.png", "--plot-kind", "heatmpa"), "heatmap"),
        (("--plot", " "), "the name is empty"),
    ],
)
def test_wrong_plots_are_usage_errors_before_the_work(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    complaint = " ".join(run("sweep", "/no/such/model", *options, code=2).split())
    assert said in complaint.replace("│ ", "")
    assert not list(tmp_path.iterdir())


def test_a_plot_that_cannot_be_written_is_known_before_the_work() -> None:
    said = run("profile", "/no/such/model", "--plot", "/no/such/folder/plot.png", code=1)
    assert "there is no folder '/no/such/folder'" in said


def test_resume(model: str, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    first = run("sweep", model, "--resume", str(journal))
    finished = journal.read_bytes()
    assert len(finished.splitlines()) == 1 + 3
    assert run("sweep", model, "--resume", str(journal)) == first
    assert journal.read_bytes() == finished
    assert "a journal of other work" in run("profile", model, "--resume", str(journal), code=1)


def test_ctrl_c_and_going_on(tmp_path: Path) -> None:
    """Interrupted between two weights of many; what was finished is not done again."""
    random = np.random.default_rng(0)
    weights = {
        f"layers.{n}.weight": random.standard_normal((512, 1024), np.float32) for n in range(24)
    }
    path, journal = tmp_path / "model.safetensors", tmp_path / "run.jsonl"
    save_file(weights, path)
    command = [sys.executable, "-m", "meadow_py", "sweep", str(path), "--bits", "8", "--json"]
    command += ["--granularity", "row", "--chunk-size", "2", "--resume", str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == CTRL_C
    assert (said, complained) == (b"", b"meadow: interrupted\n")
    finished = journal.read_bytes().count(b"\n") - 1
    assert 2 <= finished < 24
    done = subprocess.run(command, check=True, capture_output=True, env=os.environ)
    assert json.loads(done.stdout)["profile"]["weights"] == _plain(path)
    assert journal.read_bytes().count(b"\n") == 25


def _plain(path: Path) -> object:
    made = mp.sweep(path, bits=8, granularity="row", chunk_sizes=2)
    return json.loads(json.dumps(made.profile.to_dict()["weights"]))


def test_one_file_cannot_be_two(model: str, tmp_path: Path) -> None:
    path = str(tmp_path / "one.json")
    said = run("profile", model, "-o", path, "--resume", path, code=2)
    assert "name the same file" in " ".join(said.replace("│", " ").split())
