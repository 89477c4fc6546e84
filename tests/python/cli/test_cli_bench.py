"""`meadow bench`: a table and a sentence, JSON, and exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app

if TYPE_CHECKING:
    import pytest

runner = CliRunner()
SMALL = ("--prompt-tokens", "4", "--tokens", "2", "--runs", "1", "--threads", "1", "--quiet")


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, ["bench", *SMALL, *arguments], prog_name="meadow")
    assert result.exit_code == code, result.output
    return result.stdout if code in (0, 1) and result.stdout else result.stderr


def test_without_a_model_the_demo() -> None:
    text = run("--dtype", "BF16", "--no-memory")
    lines = text.splitlines()
    assert lines[0].startswith("demo: OPT trained by this project")
    for title in ("decode tokens/s", "prefill tokens/s", "read for a token", "the same bits"):
        assert title in text
    assert any(word in text for word in ("Packing pays", "Packing does", "too busy"))
    assert text.rstrip().endswith(".")


def test_json() -> None:
    data = json.loads(run("--dtype", "BF16", "--json"))
    assert (data["version"], data["kind"], data["same_bits"]) == (1, "bench", True)
    assert (data["prompt_tokens"], data["tokens"], data["runs"], data["threads"]) == (4, 2, 1, 1)
    assert data["dense"]["bytes_per_token"] > data["packed"]["bytes_per_token"] > 0
    peaks = [data[form]["peak_anonymous_bytes"] for form in ("dense", "packed")]
    assert peaks == [None, None] or all(peak > 1 << 20 for peak in peaks)


def test_logits_that_differ_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = mp.bench

    def wrong(*arguments: object, **options: object) -> mp.Bench:
        return replace(honest(*arguments, **options), same_bits=False)  # type: ignore[arg-type]

    monkeypatch.setattr(mp, "bench", wrong, raising=False)
    assert "Do not run the packed form here" in run("--no-memory", code=1)


def test_what_goes_wrong_is_a_line() -> None:
    said = run("/there/is/no/such/model", code=1)
    assert said.startswith("meadow: ")
    assert len(said.splitlines()) == 1
    assert "--runs" in run("--runs", "0", code=2)
    assert "context" in run("--prompt-tokens", "100000", code=1)
