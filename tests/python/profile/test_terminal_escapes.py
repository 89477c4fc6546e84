"""Names out of files cannot steer a terminal."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app
from meadow_py.spelling import visible
from meadow_py.views.terminal import render_text

HOSTILE = "w\x1b[2J\x1b]0;owned\x07\n\u202egnp\u2066.weight\x9b"
SHOWN = r"w\x1b[2J\x1b]0;owned\x07\n\u202egnp\u2066.weight\x9b"


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOSTILE, SHOWN),
        ("model.layers.0.weight [q]", "model.layers.0.weight [q]"),
        ("\u00e9\u4e2d\U0001d54f", "\u00e9\u4e2d\U0001d54f"),
        ("\r\t\x00\x7f\u2028\ud800", r"\r\t\x00\x7f\u2028\ud800"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_the_table_escapes_names_and_json_does_not() -> None:
    made = mp.profile({HOSTILE: np.ones((4, 4), np.float32)}, chunk_sizes=2)
    assert made.to_dict()["weights"][0]["name"] == HOSTILE
    text = render_text(made, 200, per_weight=True)
    assert SHOWN in text
    assert harmless(text)


def test_every_text_of_a_loaded_profile_is_escaped() -> None:
    made = mp.profile({"a": np.ones((4, 4), np.float32)}, granularity="row", chunk_sizes=2)
    (weight,) = made.weights
    packings = tuple(dataclasses.replace(p, granularity=HOSTILE) for p in weight.packings)
    weight = dataclasses.replace(weight, dtype=HOSTILE, packings=packings)
    model = dataclasses.replace(made.model, source=HOSTILE, architecture=HOSTILE, format=HOSTILE)
    host = dataclasses.replace(made.host, isa=HOSTILE)
    hostile = dataclasses.replace(made, weights=(weight,), model=model, host=host)
    assert harmless(render_text(hostile, 200))


def test_messages_of_the_command_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({HOSTILE: np.full((2, 2), np.nan, np.float32)}, path)
    result = CliRunner().invoke(app, ["profile", str(path)])
    assert result.exit_code == 1
    assert SHOWN in result.stderr
    assert harmless(result.stderr)
    assert result.stderr.count("\n") == 1
