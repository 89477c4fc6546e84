"""Where results go, and places where they cannot go."""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py import demo
from meadow_py.cli.app import app
from meadow_py.cli.output import check_file, console

runner = CliRunner()
FAST = ["profile", "--granularity", "tensor", "--chunk-size", "2"]


def never(*_: object, **__: object) -> None:
    raise AssertionError("the profile ran before its output was checked")


@pytest.mark.parametrize("command", ["profile", "config"])
def test_a_closed_stdout_is_one_line(command: str) -> None:
    shell = f'exec "{sys.executable}" -m meadow_py {command} >&-'
    done = subprocess.run(["sh", "-c", shell], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("meadow: standard output is closed")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/made.json", "there is no folder"),
        (".", "is a folder"),
        ("file/made.json", "is not a folder"),
    ],
)
def test_the_file_is_checked_before_the_work(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / name)
    assert mp.sweep  # imported before the function that it uses is replaced
    monkeypatch.setattr("meadow_py.profiler.profile", never)
    result = runner.invoke(app, [*FAST, "--output", path])
    assert result.exit_code == 1
    assert message in result.stderr
    assert path in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_wrong_usage(name: str) -> None:
    result = runner.invoke(app, [*FAST, "--output", name])
    assert result.exit_code == 2
    assert "the name is empty" in " ".join(result.stderr.split())


def test_a_folder_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match=r"made\.json.*Permission denied"):
        check_file(str(tmp_path / "made.json"))


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_was_measured_is_shown_though_saving_fails(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    path = tmp_path / "made.json"
    result = runner.invoke(app, [*FAST, *options, "--output", str(path)])
    assert result.exit_code == 1
    assert f"No space left on device: '{path}'" in result.stderr
    assert result.stderr.count("\n") == 1
    if options:
        assert json.loads(result.stdout)["weights"]
    else:
        assert "attention.q" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_messages_name_the_file_and_no_temporary_one(tmp_path: Path) -> None:
    made = mp.profile(demo.checkpoint(), roles="mlp.up", granularity="row", chunk_sizes=2)
    path = tmp_path / "nowhere" / "made.json"
    with pytest.raises(FileNotFoundError) as caught:
        made.save(path)
    assert caught.value.filename == str(path)
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        made.save(tmp_path)
    with pytest.raises(ValueError, match="expected the name of a file"):
        made.save("")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert runner.invoke(app, [*FAST, "--output", str(pipe)]).exit_code == 0
        said, _ = reader.communicate(timeout=60)
    assert json.loads(said)["version"] == 1
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_lines_are_not_wrapped_without_a_terminal() -> None:
    command = f"{sys.executable} -m meadow_py profile --quiet --role attention.k --per-weight"
    for columns in ("", "0"):
        done = subprocess.run(
            ["bash", "-c", f"{command} | grep -c self_attn.k_proj.weight"],
            capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": columns},
        )  # fmt: skip
        assert int(done.stdout) >= 4


def test_numbers_are_whole_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert console().width == 80
    monkeypatch.setenv("COLUMNS", "100")
    assert console().width == 100


def test_a_reader_that_closes_the_pipe_ends_the_command_as_sigpipe_does() -> None:
    command = f"{sys.executable} -m meadow_py profile --quiet --role attention.k"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_a_closed_stderr_does_not_stop_packing(tmp_path: Path) -> None:
    source = shlex.quote(str(demo.folder()))
    names = f"{str(demo.folder())!r}, {str(tmp_path / 'a')!r}"
    script = f"import meadow_py as mp; mp.pack({names}, progress=True)"
    for command in (f"-c {shlex.quote(script)}", f"-m meadow_py pack {source} {tmp_path / 'b'}"):
        done = subprocess.run(["bash", "-c", f"{sys.executable} {command} 2>&-"], check=False)
        assert done.returncode == 0
