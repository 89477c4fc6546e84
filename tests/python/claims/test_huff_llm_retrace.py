"""The retrace of Huff-LLM: what bytes allow, and what the report says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from meadow_py.claims.huff_llm import (
    HuffmanRetrace,
    WeightsMeasured,
    accelerator,
    retrace_huffman,
)
from meadow_py.simulator import Ratio, simulate
from meadow_py.simulator.huffman_hardware import GROUPS, Unit, weight_code

UNIT = Unit("systolic", 64, 64)
AXES = {
    "unit": (UNIT,),
    "buffer_bytes": (1 << 20,),
    "bandwidth": (10e9, 400e9),
    "overlap": (1.0,),
    "batch": (1,),
    "tokens": ((16, 64),),
    "static_w": (0.0, 50.0),
}


def measured(name: str, dtype: str) -> WeightsMeasured:
    values = np.random.default_rng(0).normal(0, 0.02, (128, 256)).astype(np.float32)
    words = (
        values.astype(np.float16).view(np.uint16)
        if dtype == "F16"
        else (values.view(np.uint32) >> 16).astype(np.uint16)
    )
    return WeightsMeasured(name, dtype, weight_code(words, GROUPS[dtype]), words)


@pytest.fixture(scope="module")
def found() -> HuffmanRetrace:
    weights = [measured("brain", "BF16"), measured("half", "F16")]
    return retrace_huffman(weights, models=["opt-125m"], axes=AXES)


def test_one_row_for_every_set(found: HuffmanRetrace) -> None:
    assert len(found.time_rows) == 2 * 2 * 2 * 2  # weights, ports, bandwidths, watts
    assert len(found.area_rows) == 2 * 2 * 2 * 2 * 3 * 3
    assert len(found.to_dataframe()) == len(found.time_rows)


def test_where_memory_limits_latency_falls_by_the_bytes_of_weights(found: HuffmanRetrace) -> None:
    rows = [row for row in found.time_rows if row["bandwidth"] == 10e9]
    sizes = {one.name: one.size_saving for one in found.weights}
    assert rows
    for row in rows:
        expected = row["weight_share"] * sizes[row["weights"]]
        assert row["latency_saving"] == pytest.approx(expected, abs=0.01)


def test_a_saving_by_hand(found: HuffmanRetrace) -> None:
    one = found.weights[0]
    device = accelerator(UNIT, bandwidth=10e9, buffer_bytes=1 << 20)
    shared = {
        "device": device,
        "dataflow": "gemm",
        "precision": "w16a16",
        "prompt": 16,
        "generate": 64,
        "softmax_per_cycle": 64.0,
        "elementwise_per_cycle": 64.0,
    }
    dense = simulate("opt-125m", **shared)
    packed = simulate("opt-125m", packing=Ratio(16 / one.code.bits_per_weight), **shared)
    times = [run.prefill.seconds + 64 * run.decode.seconds for run in (dense, packed)]
    row = next(row for row in found.time_rows if row["bandwidth"] == 10e9)
    assert row["weights"] == "brain"
    # Decoders that keep up cost their start alone.
    assert row["latency_saving"] == pytest.approx(1 - times[1] / times[0], rel=1e-3)


def test_static_power_dilutes_the_saving_of_energy_to_that_of_time(found: HuffmanRetrace) -> None:
    """Where static power is all there is, energy falls as time does."""
    idle, drawn = (
        next(r for r in found.time_rows if r["static_w"] == watts and r["bandwidth"] == 400e9)
        for watts in (0.0, 50.0)
    )
    assert idle["latency_saving"] == drawn["latency_saving"]
    low, high = sorted((idle["energy_saving_typical"], idle["latency_saving"]))
    assert low <= drawn["energy_saving_typical"] <= high


def test_halves_cannot_reach_what_their_bytes_do_not_allow(found: HuffmanRetrace) -> None:
    about = {one["name"]: one for one in found.to_dict()["weights"]}
    assert about["half"]["size_saving"] < 0.16
    assert about["half"]["latency"]["reached"] == 0
    assert about["half"]["latency"]["most"] < about["half"]["size_saving"] + 0.01
    assert about["half"]["all_three"]["latency_and_energy"] == 0
    assert about["brain"]["latency"]["reached"] > 0
    assert about["brain"]["latency"]["least_weight_share"] > 0.9


def test_the_report_counts_its_sets(found: HuffmanRetrace) -> None:
    about = found.to_dict()
    json.dumps(about, allow_nan=False)
    assert about["weights"]
    for one in about["weights"]:
        rows = [row for row in found.time_rows if row["weights"] == one["name"]]
        reached = sum(row["latency_saving"] >= 0.31 for row in rows)
        assert one["latency"]["reached"] == reached
        counts = one["latency"]["by_axis"]["bandwidth"].values()
        assert sum(int(count.split(" of ")[0]) for count in counts) == reached
        area = one["area"]["systolic-64x64"]
        own = [row for row in found.area_rows if row["weights"] == one["name"]]
        assert area["at_most_claim"] == sum(row["area_overhead"] <= 0.06 for row in own)
        low, high = area["with_default_circuits"]
        assert area["least"] <= low <= high <= area["most"]


def test_the_text_names_every_claim(found: HuffmanRetrace) -> None:
    text = repr(found)
    for name in ("size", "latency", "energy, typical", "area, systolic-64x64", "brain", "half"):
        assert name in text


def test_axes_that_are_not_known_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        retrace_huffman([measured("brain", "BF16")], models=["opt-125m"], axes={"colour": (1,)})
    with pytest.raises(ValueError, match="unit"):
        retrace_huffman([measured("brain", "BF16")], models=["opt-125m"], axes={"unit": ()})
