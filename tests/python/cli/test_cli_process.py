"""The command as a process: streams, exit codes, signals, environment."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer
from safetensors.numpy import save_file

from meadow_py.cli.app import VERBS, app

MEADOW = [sys.executable, "-m", "meadow_py"]
CTRL_C = 130


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("MEADOW_DEBUG", "FORCE_COLOR")}
    return subprocess.run(
        [*MEADOW, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=inherited | environment,
    )


@pytest.fixture
def large_model(tmp_path: Path) -> str:
    """Enough to be interrupted in the middle."""
    random = np.random.default_rng(0)
    path = tmp_path / "model.safetensors"
    names = [f"layers.{n}.weight" for n in range(16)]
    save_file({name: random.standard_normal((1024, 2048), np.float32) for name in names}, path)
    return str(path)


def test_table_on_stdout_and_nothing_on_stderr() -> None:
    done = run("profile", COLUMNS="80")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_columns_and_colours_from_the_environment() -> None:
    wide = run("profile", "--all", COLUMNS="140", FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[" in wide.stdout
    plain = run("profile", COLUMNS="140", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    assert "\x1b[32m" not in plain.stdout
    assert max(map(len, run("profile", COLUMNS="140").stdout.splitlines())) > 80


def test_version_and_usage() -> None:
    assert run("--version").stdout.startswith("meadow 0.")
    for arguments in ([], ["nonsense"], ["profile", "--bits", "99"]):
        done = run(*arguments)
        assert done.returncode == 2
        assert "Usage: meadow" in done.stdout + done.stderr


def test_a_failure_has_no_traceback_unless_asked_for() -> None:
    quiet = run("profile", "/no/such/model")
    assert quiet.returncode == 1
    assert quiet.stdout == ""
    assert quiet.stderr.startswith("meadow: '/no/such/model'")
    assert "Traceback" not in quiet.stderr
    loud = run("profile", "/no/such/model", MEADOW_DEBUG="1")
    assert loud.returncode == 1
    assert "Traceback" in loud.stderr


def test_a_hub_that_is_not_there() -> None:
    done = run("profile", "some/model", "--offline")
    assert done.returncode == 1
    assert "some/model" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c(large_model: str) -> None:
    command = [*MEADOW, "profile", large_model]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stderr=pipe, stdout=pipe, text=True) as process:
        _wait_until_open(process.pid, large_model)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    # Where Ctrl-C struck inside exec(), CPython ends itself by SIGINT: 130 to a shell as well.
    assert process.returncode in (CTRL_C, -signal.SIGINT)
    assert said == ""
    assert complained == "meadow: interrupted\n"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_that_a_shell_has_ignored_stays_ignored(large_model: str) -> None:
    """So does `nohup`, and every shell without job control that starts a background job."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *MEADOW, "profile", large_model]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stderr=pipe, stdout=pipe, text=True) as process:
        _wait_until_open(process.pid, large_model)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=120)
    assert (process.returncode, complained) == (0, "")
    assert "INT8" in said


def _wait_until_open(pid: int, path: str) -> None:
    maps = Path(f"/proc/{pid}/maps")
    for _ in range(3000):
        if path in maps.read_text():
            return
        time.sleep(0.01)
    pytest.fail(f"{path} was never opened")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered: str) -> None:
    command, pipe = [*MEADOW, "profile", "--json"], subprocess.PIPE
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command, stderr=pipe, stdout=pipe, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE


def test_config() -> None:
    text = run("config").stdout
    assert "isa_active" in text
    assert "torch" in text
    data = json.loads(run("config", "--json").stdout)
    assert data["version"] == 1
    assert data["core"]["isa_active"] in data["core"]["isa_available"]


def test_the_isa_is_chosen_by_the_environment() -> None:
    done = run("profile", "--json", MEADOW_ISA="scalar")
    assert json.loads(done.stdout)["host"]["isa"] == "scalar"
    assert (
        json.loads(done.stdout)["weights"] == json.loads(run("profile", "--json").stdout)["weights"]
    )


def test_a_wrong_isa_is_told_before_any_work() -> None:
    done = run("profile", "--json", MEADOW_ISA="mmx")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "MEADOW_ISA: expected one of scalar" in done.stderr
    assert done.stderr.endswith("found 'mmx'\n")
    script = "import meadow_py._core"
    imported = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MEADOW_ISA": "mmx"},
    )
    assert "ImportError: MEADOW_ISA: expected one of scalar" in imported.stderr


def test_neither_torch_nor_pandas_is_imported() -> None:
    script = (
        "import sys; sys.argv = ['meadow', 'profile', '--quiet']\n"
        "from meadow_py.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "heavy = {'torch', 'pandas', 'transformers', 'gguf', 'huggingface_hub'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_help_lists_every_verb_as_the_verb_says_without_importing_any() -> None:
    listed = " ".join(run("--help", COLUMNS="200").stdout.split())
    context = typer.Context(typer.main.get_command(app), info_name="meadow")
    assert VERBS
    for name, verb in VERBS.items():
        command = context.command.get_command(context, name)  # type: ignore[attr-defined]
        assert inspect.cleandoc(command.help).split("\n\n")[0].replace("\n", " ") == verb.summary
        assert f"{name} " in listed
        assert verb.summary in listed


def test_simulating_imports_no_other_verb_and_no_profiler() -> None:
    code = (
        "import sys; sys.argv = ['meadow', 'simulate', 'opt-125m', '--device', 'zcu102']\n"
        "import atexit; from meadow_py.cli import main\n"
        "atexit.register(lambda: print(*(m for m in sys.modules if m.startswith('meadow_py.'))))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1].split()
    assert "meadow_py.cli.simulate" in imported
    assert len(imported) < 80
    for other in ("cli.run", "cli.profile", "forms", "architectures", "ledger", "profiler"):
        assert f"meadow_py.{other}" not in imported


def test_rooms_are_attributes_without_an_import_of_their_own() -> None:
    code = "import meadow_py as mp; print(mp.devices.get('zcu102').name, mp.workload.names()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("zcu102 ")
