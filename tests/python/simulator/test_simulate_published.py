"""Predictions against published measurements; sources in docs/simulation.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meadow_py import workload
from meadow_py.claims.meadow import retrace as meadow
from meadow_py.claims.meadow.space import SPACE
from meadow_py.simulator import simulate
from meadow_py.workload import Precision

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "meadow.json"


@pytest.mark.parametrize(
    ("gigabytes", "tokens_per_s", "joules"),
    [
        (0.339, 30.39, 0.2065),
        (0.355, 28.39, 0.2120),
        (0.398, 25.77, 0.2585),
        (0.420, 23.23, 0.2994),
        (0.531, 19.87, 0.2924),
    ],
)
def test_raspberry_pi_5(gigabytes: float, tokens_per_s: float, joules: float) -> None:
    """One measured bandwidth, file sizes, and a shape that only tells the KV cache."""
    shape = workload.shape_of("qwen2.5-0.5b")
    bits = gigabytes * 8e9 / (shape.decoder_weights + shape.head_weights)
    made = simulate(
        shape, device="raspberry-pi-5", precision=Precision(bits, 8, 16), context=64, prompt=8
    )
    assert made.tokens_per_s == pytest.approx(tokens_per_s, rel=0.10)
    assert made.energy_per_token.total.typical == pytest.approx(joules, rel=0.20)


@pytest.mark.parametrize(("steps", "tokens_per_s"), [(64, 1.478), (128, 1.424), (256, 1.328)])
def test_llamaf_on_zcu102(steps: int, tokens_per_s: float) -> None:
    made = simulate(
        "tinyllama-1.1b",
        device="zcu102-llamaf",
        dataflow="gemm",
        precision=Precision(8.125, 8, 32),
        context=steps // 2,
        prompt=8,
    )
    assert made.tokens_per_s == pytest.approx(tokens_per_s, rel=0.20)


@pytest.mark.parametrize(("device", "speed"), [("orin-nano", 27.7), ("orin-nano-super", 43.07)])
def test_orin_nano(device: str, speed: float) -> None:
    made = simulate("llama-3.2-3b", device=device, precision="w4.5a16", context=64, prompt=8)
    assert made.tokens_per_s == pytest.approx(speed, rel=0.20)


def _committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


def test_committed_results_are_those_of_this_space() -> None:
    found = _committed()
    assert found["space"] == {name: list(map(float, values)) for name, values in SPACE.items()}
    assert found["sets"] == int(np.prod([len(values) for values in SPACE.values()]))
    assert [entry["prompt"] for entry in found["prompts"]] == list(meadow.PROMPTS)


@pytest.mark.parametrize("place", range(len(meadow.PROMPTS)))
def test_committed_sets_still_satisfy_what_they_are_listed_for(place: int) -> None:
    entry = _committed()["prompts"][place]
    listed = entry["satisfying"]["parallel"].get("listed", [])
    assert bool(listed) == (entry["prompt"] >= 197)
    for row in listed:
        made = meadow.retrace((entry["prompt"],), {name: (value,) for name, value in row.items()})
        assert made.satisfying(made.prompts[0]).size == 1
