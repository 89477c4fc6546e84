"""Ctrl-C at any time: one line, no traceback, and 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from meadow_py.cli import failures

# A module that is sent Ctrl-C while it is imported, and turns it into ImportError as numpy does.
STRUCK = """
import os, signal, sys, time
from meadow_py.cli import main

class Struck:
    def find_spec(self, name, path=None, target=None):
        if name != {module!r}:
            return None
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise ImportError("failed to import") from None

sys.meta_path.insert(0, Struck())
sys.argv = ["meadow", "profile", "--quiet"]
{before}
main()
"""


def run(module: str, before: str = "") -> subprocess.CompletedProcess[str]:
    script = STRUCK.format(module=module, before=before)
    environment = {k: v for k, v in os.environ.items() if k != "MEADOW_DEBUG"}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize(
    "module", ["typer", "numpy", "ml_dtypes", "meadow_py._core", "meadow_py.views.terminal.profile"]
)
def test_while_modules_are_imported(module: str) -> None:
    done = run(module)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "meadow: interrupted\n")


def test_ignored_by_a_parent_stays_ignored() -> None:
    done = run("numpy", "signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep = lambda s: None")
    assert done.returncode == 0, done.stderr


def test_an_error_made_of_ctrl_c_is_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    @failures.reports_failures()
    def command() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as struck:
            raise ImportError("torch failed to import") from struck

    with pytest.raises(failures.typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "meadow: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
