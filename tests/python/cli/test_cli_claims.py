"""``meadow claims``."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app


def _run(*words: str) -> tuple[int, str, str]:
    made = CliRunner().invoke(app, ["claims", *words])
    return made.exit_code, made.stdout, made.stderr


def test_the_record_as_json_is_that_of_python() -> None:
    code, out, _ = _run("--json")
    assert code == 0
    assert json.loads(out) == mp.claims().to_dict()


def test_one_claim_says_everything() -> None:
    code, out, _ = _run("--run", "meadow-10a-naive")
    assert code == 0
    for word in ("meadow-10a-naive", "1.45x", "reproduced", "Figure 10a", "rule", "command"):
        assert word in out


def test_what_is_saved_becomes_a_page(tmp_path: Path) -> None:
    saved, page = tmp_path / "claims.json", tmp_path / "claims.html"
    assert _run("--run", "meadow-10a-naive", "-o", str(saved))[0] == 0
    made = CliRunner().invoke(app, ["report", str(saved), "-o", str(page)])
    assert made.exit_code == 0, made.output
    assert "Figure 10a" in page.read_text()


def test_what_cannot_be() -> None:
    code, _, err = _run("no-such-claim")
    assert code == 1
    assert "no-such-claim" in err
    code, _, err = _run("--model", "somewhere")
    assert code == 2
    assert "--run" in err
