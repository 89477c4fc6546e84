"""``meadow run``, as a user types it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meadow_py import demo, measure
from meadow_py.cli import run as verb
from meadow_py.cli.app import app

pytest.importorskip("tokenizers")
runner = CliRunner()
_BANDWIDTH = 20e9


@pytest.fixture
def known_bandwidth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The read bandwidth of a host: its measurement has tests of its own, and takes a while."""
    monkeypatch.setattr("meadow_py.run.speed.host_bandwidth", lambda _: _BANDWIDTH)


def _process(
    *arguments: str, stdin: str = "</dev/null", encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    command = shlex.join([sys.executable, "-m", "meadow_py", "run", "--threads", "1", *arguments])
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(
        ["bash", "-c", f"{command} {stdin}"], capture_output=True, check=False, env=environment
    )


def _run(*arguments: str, stdin: str | None = None) -> tuple[str, str, int]:
    done = runner.invoke(app, ["run", "--threads", "1", *arguments], input=stdin)
    return done.stdout, done.stderr, done.exit_code


def test_the_demo_writes_a_text_and_its_speed() -> None:
    out, said, code = _run("--max-tokens", "12")
    assert code == 0
    assert len(out) > 12
    model, rates, read = said.splitlines()
    assert model.startswith("Model('demo")
    assert "first token after " in rates
    assert "; 12 tokens at " in rates
    assert "ended by --max-tokens, seed " in rates
    assert " MB of weights read for a token, " in read
    assert "that this host reads" not in read


@pytest.mark.usefixtures("known_bandwidth")
def test_the_bandwidth_of_the_host_is_compared_if_asked_for() -> None:
    read = _run("--max-tokens", "4", "--bandwidth")[1].splitlines()[-1]
    assert "of the 20 GB/s that this host reads from memory" in read
    made = json.loads(_run("-n", "4", "--bandwidth", "--json")[0])
    assert made["read_bandwidth"] == _BANDWIDTH
    assert made["bandwidth_fraction"] == made["bytes_per_second"] / _BANDWIDTH


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is not kept to elsewhere")
def test_too_little_memory_for_the_bandwidth_is_no_failure() -> None:
    limited = (
        "import resource, sys; from meadow_py.cli import main;"
        "import meadow_py, meadow_py.run, tokenizers;"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (56 << 20),) * 2);"
        "sys.argv = ['meadow', 'run', '--threads', '1', '-n', '4', '--bandwidth'];"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    if measure.host().last_level_cache_bytes >= 28 << 20:
        said = b"meadow: too little free memory to measure the read bandwidth"
        assert said in done.stderr


def test_greedy_texts_are_the_same_every_time() -> None:
    first = _run("--greedy", "-n", "12", "-p", "The king")
    assert (
        first[0] == _run(str(demo.folder()), "--temperature", "0", "-n", "12", "-p", "The king")[0]
    )
    assert "seed" not in first[1]


def test_a_seed_makes_the_same_text() -> None:
    made = [_run("-n", "12", "--seed", seed, "-q") for seed in ("4", "4", "5")]
    assert made[0] == made[1] != made[2]
    assert made[0][1] == ""


def test_json_holds_everything_and_nothing_else_is_written() -> None:
    out, said, code = _run("-n", "8", "--greedy", "--json", "-p", "A")
    made = json.loads(out)
    assert (said, code) == ("", 0)
    assert (made["version"], made["kind"], made["prompt"], made["seed"]) == (1, "run", "A", None)
    assert made["tokens"] == len(made["ids"]) == 8
    assert made["prompt_tokens"] == len(made["prompt_ids"])
    assert made["finish_reason"] == "length"
    assert made["text"] == _run("-n", "8", "--greedy", "-p", "A")[0][:-1]
    assert made["read_bandwidth"] is made["bandwidth_fraction"] is None
    assert made["bytes_per_second"] == made["bytes_per_token"] * made["tokens_per_second"]


def test_the_prompt_may_come_from_stdin() -> None:
    expected = _run("-n", "8", "--greedy", "-p", "In the", "--json")[0]
    made = _run("-n", "8", "--greedy", "-p", "-", "--json", stdin="In the")[0]
    assert json.loads(made)["ids"] == json.loads(expected)["ids"]


def test_a_closed_stdin_is_said() -> None:
    done = _process("-p", "-", stdin="<&-")
    assert done.returncode == 1
    assert (
        done.stderr == b"meadow: standard input is closed: expected the prompt there because of "
        b"--prompt -\n"
    )


def test_what_stdout_cannot_spell_is_escaped() -> None:
    whole = _process("--greedy", "-n", "40", "-p", "\u2019 \u00e9\u2019 ", encoding="utf-8")
    plain = _process("--greedy", "-n", "40", "-p", "\u2019 \u00e9\u2019 ", encoding="ascii")
    assert (whole.returncode, plain.returncode) == (0, 0)
    text = whole.stdout.decode("utf-8")
    assert not text.isascii()
    assert plain.stdout.decode("ascii") == text.encode("ascii", "backslashreplace").decode("ascii")
    made = _process("--greedy", "-n", "40", "-p", "\u2019", "--json", encoding="ascii")
    assert json.loads(made.stdout)["prompt"] == "\u2019"


def test_stop_strings() -> None:
    text = _run("-n", "30", "--greedy")[0][:-1]
    out, said, _ = _run("-n", "30", "--greedy", "--stop", text[9:13], "--stop", "\x00")
    assert out == text[: text.index(text[9:13])] + "\n"
    assert "ended by a stop string" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/no/such/model"], 1, "meadow: "),
        (["--form", "folded"], 1, "form='folded'"),
        (["-p", "word " * 400], 1, "must have fewer than 384 tokens"),
        (["--top-p", "2"], 2, "top-p"),
        (["--max-tokens", "-1"], 2, "max-tokens"),
        (["--repetition-penalty", "0"], 1, "repetition_penalty: expected a positive number"),
    ],
)
def test_what_cannot_be_run_is_said(arguments: list[str], code: int, said: str) -> None:
    out, heard, found = _run(*arguments)
    assert (out, found) == ("", code)
    assert said in heard


def test_ctrl_c_ends_the_text_with_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        if len(written) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(verb, "write", write)
    _, said, code = _run("--greedy")
    assert code == 130
    assert written[-1] == "\n"
    assert "interrupted" in said
    assert "MB of weights read for a token" in said


def test_ctrl_c_of_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "meadow_py", "run", "--greedy", "-n", "370", "--threads", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert process.stdout.read(3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 130)  # 0: the text was over before the signal came
    assert b"first token after" in said


def test_neither_torch_nor_transformers_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys, meadow_py\n"
        "with meadow_py.load(threads=1) as model:\n"
        "    print(''.join(map(str, model.generate('The', max_tokens=3))))\n"
        "print(sorted({'torch', 'transformers', 'gguf', 'sentencepiece'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


def test_a_piped_prompt_is_read_without_its_last_line_feed() -> None:
    expected = _run("-n", "6", "--greedy", "-p", "The king")[0].encode()
    for text in ("The king", "The king\n"):
        done = _process("-n", "6", "--greedy", "-q", stdin=f"< <(printf {shlex.quote(text)})")
        assert (done.stdout, done.stderr) == (expected, b"")


def test_without_a_pipe_and_with_an_empty_one_the_default_prompt_is_continued() -> None:
    expected = _run("-n", "6", "--greedy", "-p", verb._PROMPT)[0].encode()
    for stdin in ("</dev/null", "< <(true)", "<&-"):
        assert _process("-n", "6", "--greedy", "-q", stdin=stdin).stdout == expected, stdin


def test_a_pipe_that_stays_empty_is_waited_for_aloud() -> None:
    done = _process("-n", "2", "--greedy", "-q", stdin="< <(sleep 4; echo The king)")
    assert done.stderr == b"meadow: waiting for a prompt on standard input\n"
    assert done.stdout
