"""The verbs of packed models, as a user types them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from meadow_py import demo
from meadow_py.cli.app import app

runner = CliRunner()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("demo") / "packed"
    assert runner.invoke(app, ["pack", str(demo.folder()), str(target)]).exit_code == 0
    return target


def test_pack_shows_a_table_and_the_throughput(tmp_path: Path) -> None:
    done = runner.invoke(app, ["pack", str(demo.folder()), str(tmp_path / "p")])
    assert done.exit_code == 0
    assert "attention.q" in done.stdout
    assert "All files:" in done.stdout
    assert "B/s; 1 packed file\n" in done.stderr
    again = runner.invoke(app, ["pack", str(demo.folder()), str(tmp_path / "p")])
    assert again.exit_code == 0
    assert "1 packed before and verified" in again.stderr


def test_pack_quietly_as_json(tmp_path: Path) -> None:
    done = runner.invoke(app, ["pack", str(demo.folder()), str(tmp_path / "p"), "-q", "--json"])
    assert done.stderr == ""
    data = json.loads(done.stdout)
    assert data["version"] == 1
    assert data["bytes_packed"] < data["bytes_original"]


def test_pack_in_the_runtime_codec(tmp_path: Path) -> None:
    source, target = str(tmp_path / "m.safetensors"), str(tmp_path / "p.safetensors")
    save_file({"w": np.ones((64, 96), np.float32), "b": np.ones(64, np.float32)}, source)
    done = runner.invoke(app, ["pack", source, target, "--codec", "planes", "--json"])
    assert done.exit_code == 0
    data = json.loads(done.stdout)
    assert data["codec"] == "planes"
    codecs = {tensor["name"]: tensor["codec"] for tensor in data["tensors"]}
    assert codecs == {"w": "planes", "b": "constant"}
    assert runner.invoke(app, ["verify", target]).exit_code == 0


def test_verify(packed: Path) -> None:
    done = runner.invoke(app, ["verify", str(packed)])
    assert done.exit_code == 0
    assert "every bit is right: 68 tensors in 8 files" in done.stdout
    data = json.loads(runner.invoke(app, ["verify", str(packed), "--json"]).stdout)
    assert (data["ok"], data["version"], data["tensors"]) == (True, 1, 68)
    assert data["format_versions"] == [2]


def test_the_digest_that_a_publisher_signs(packed: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((packed / "meadow.json").read_bytes()).hexdigest()
    line = f"digest (SHA-256): {digest}\n"
    done = runner.invoke(app, ["verify", str(packed), "--sha256", digest])
    assert (done.exit_code, line in done.stdout) == (0, True)
    assert "version 1" not in done.stdout
    for verb in ("verify", "inspect"):
        assert (
            json.loads(runner.invoke(app, [verb, str(packed), "--json"]).stdout)["sha256"] == digest
        )
    done = runner.invoke(app, ["pack", str(demo.folder()), str(packed)])
    assert line in done.stdout
    done = runner.invoke(app, ["verify", str(packed), "--sha256", "0" * 64])
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"its digest is {digest}, expected {'0' * 64}" in done.stderr
    assert runner.invoke(app, ["verify", str(packed), "--sha256", "12"]).exit_code != 0


def test_verify_says_what_version_1_lacks() -> None:
    data = Path(__file__).parents[1] / "checkpoint/data/version-1.meadow.safetensors"
    done = runner.invoke(app, ["verify", str(data)])
    assert done.exit_code == 0
    assert "\nversion 1: it records no checksums of heads" in done.stdout


def test_verify_of_damage_is_one_line_and_1(packed: Path, tmp_path: Path) -> None:
    content = bytearray((packed / "model.meadow.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    done = runner.invoke(app, ["verify", str(path), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["ok"] is False
    assert done.stderr.startswith(f"meadow: {path}: tensor 'model.decoder.")
    assert done.stderr.count("\n") == 1
    assert runner.invoke(app, ["verify", str(tmp_path / "missing")]).exit_code == 1
    assert runner.invoke(app, ["verify", str(demo.folder())]).exit_code == 1


def test_unpack(packed: Path, tmp_path: Path) -> None:
    done = runner.invoke(app, ["unpack", str(packed), str(tmp_path / "again")])
    assert done.exit_code == 0
    assert "6 files as they were" in done.stdout
    for path in demo.folder().iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    done = runner.invoke(app, ["unpack", str(packed), str(tmp_path / "again"), "--json"])
    assert len(json.loads(done.stdout)["kept"]) == 6
    (tmp_path / "again/mine").touch()
    done = runner.invoke(app, ["unpack", str(packed), str(tmp_path / "again"), "--overwrite"])
    assert done.exit_code == 1
    assert "holds other files (mine)" in done.stderr


def test_inspect(packed: Path) -> None:
    table = runner.invoke(app, ["inspect", str(packed)]).stdout
    assert "attention.q" in table
    rows = runner.invoke(app, ["inspect", str(packed), "--per-tensor"]).stdout
    assert rows.count("\n") > table.count("\n") + 40
    data = json.loads(runner.invoke(app, ["inspect", str(packed), "--json"]).stdout)
    assert len(data["tensors"]) == 68
    card = runner.invoke(app, ["inspect", str(packed), "--card"]).stdout
    assert card == (packed / "MEADOW.md").read_text()


def test_wrong_usage(tmp_path: Path) -> None:
    assert runner.invoke(app, ["pack", str(demo.folder())]).exit_code == 2
    done = runner.invoke(app, ["pack", str(demo.folder()), str(tmp_path / "p"), "--codec", "zip"])
    assert done.exit_code == 2
    assert not (tmp_path / "p").exists()
    done = runner.invoke(app, ["pack", str(tmp_path / "no"), str(tmp_path / "p")])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


def test_bar_is_on_stderr(tmp_path: Path) -> None:
    """With a terminal: bytes and throughput; see `Meter` for what follows."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "meadow_py", "pack", str(demo.folder()), str(tmp_path / "p")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=child, check=True)
    os.close(child)
    said = b""
    while True:
        try:
            part = os.read(parent, 1 << 16)
        except OSError:  # Linux's end of a terminal
            break
        if not part:
            break
        said += part
    os.close(parent)
    assert b"pack" in said
    assert b"B/s" in said
    assert b"/3.84M [" in said
    assert b"B/s" not in done.stdout


def test_ctrl_c(tmp_path: Path) -> None:
    """One line, 130, no target; the same command completes it."""
    import numpy as np
    from safetensors.numpy import save_file

    (tmp_path / "model").mkdir()
    values = np.random.default_rng(0).standard_normal((2048, 4096)).astype(np.float32)
    for n in range(8):
        save_file({f"w{n}": values}, tmp_path / f"model/m-{n}.safetensors")
    command = [sys.executable, "-m", "meadow_py", "pack", "model", "packed", "--codec", "small"]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    partial = tmp_path / ".packed.meadow-partial"
    while not list(partial.glob("*.meadow.safetensors")) and run.poll() is None:
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert (run.returncode, said) == (130, "meadow: interrupted\n")
    assert not (tmp_path / "packed").exists()
    assert not list(partial.glob("*.writing"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "packed before and verified" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"model", "packed"}
