"""Results that were once only shown are saved and loaded like all others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import meadow_py as mp
from meadow_py.results import Result


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {
        "plan": mp.plan("opt-125m", "raspberry-pi-5"),
        "simulation": mp.simulate("opt-125m", device="zcu102"),
        "bench": mp.bench(tokens=2, runs=1),
    }


@pytest.mark.parametrize("kind", ["plan", "simulation", "bench"])
def test_saved_and_loaded(kind: str, results: dict[str, Result], tmp_path: Path) -> None:
    made = results[kind]
    made.save(tmp_path / "r.json")
    again = type(made).load(tmp_path / "r.json")
    assert again.to_dict() == made.to_dict() == json.loads((tmp_path / "r.json").read_text())
    assert repr(again) == repr(made)
    assert again.to_dataframe().equals(made.to_dataframe())


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("plan", ["options", 0, "footprint", "weights"], r"options\[0\].footprint.weights"),
        ("plan", ["device", "memory", "bandwidth", "value"], "device.memory.bandwidth.value"),
        ("simulation", ["bandwidth"], "bandwidth"),
        ("simulation", ["decode", "layers", 1, "seconds"], r"decode.layers\[1\].seconds"),
        ("bench", ["dense", "nbytes"], "dense.nbytes"),
    ],
)
def test_a_damaged_leaf_is_named(
    kind: str, path: list[Any], said: str, results: dict[str, Result]
) -> None:
    data = json.loads(results[kind].to_json())
    at = data
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = "fast"
    with pytest.raises(mp.FormatError, match=f"x.json: damaged {kind}: {said}.*'fast'"):
        type(results[kind]).from_json_types(data, "x.json")


def test_another_kind_is_refused(results: dict[str, Result]) -> None:
    with pytest.raises(mp.FormatError, match="not a plan: expected an object with version"):
        mp.Plan.from_json_types(results["simulation"].to_dict(), "x.json")
    data = {**results["plan"].to_dict(), "version": 99}
    with pytest.raises(mp.FormatError, match="plan version 99, but this library reads version 1"):
        mp.Plan.from_json_types(data, "x.json")
