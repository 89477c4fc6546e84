"""Where time goes adds up, and curves pass through what `simulate` gives."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.simulator import Simulation, simulate
from meadow_py.simulator.buffers import curve_of
from meadow_py.simulator.components import (
    ATTENTION,
    HEAD,
    OVERHEAD,
    PROJECTIONS,
    binding,
    bytes_by_group,
    chosen_dataflows,
    waits,
    waits_by_group,
)
from meadow_py.simulator.curves import bandwidth_curve

ARRAY = {"device": "zcu102", "bandwidth": "12Gb/s", "prompt": 128, "packing": "1.5x"}


def array(**changes: object) -> Simulation:
    return simulate("opt-125m", **{**ARRAY, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dataflow", "overlap"), list(itertools.product(("gemm", "tphs", "best"), (0, 0.3, 1)))
)
def test_waits_add_up_to_all_of_the_time(dataflow: str, overlap: float) -> None:
    made = array(dataflow=dataflow, overlap=overlap)
    for phase in (made.prefill, made.decode):
        assert phase is not None
        parts = waits_by_group(phase)
        assert sum(part.seconds for part in parts.values()) == pytest.approx(phase.seconds)
        assert waits(phase).seconds == pytest.approx(phase.seconds)
        assert all(value >= -1e-15 for part in parts.values() for value in vars(part).values())
        assert sum(bytes_by_group(phase).values()) == pytest.approx(
            sum(row.bytes for row in phase.layers)
        )


def test_the_time_of_a_device_is_apart() -> None:
    made = simulate("llama-3.2-1b", device="orin-nano", prompt=16)
    assert made.decode is not None
    assert made.decode.overhead_s > 0
    parts = waits_by_group(made.decode)
    assert parts[OVERHEAD].seconds == pytest.approx(made.decode.overhead_s)
    assert sum(part.seconds for part in parts.values()) == pytest.approx(made.decode.seconds)


def test_without_overlap_each_stage_is_waited_for() -> None:
    made = array(dataflow="gemm", overlap=0)
    phase = made.prefill
    found = waits(phase)
    moved = phase.total("fetch_s") + phase.total("store_s")
    assert found.compute == pytest.approx(phase.total("compute_s"))
    assert found.weights + found.activations + found.kv_cache == pytest.approx(moved)


def test_decoding_waits_for_weights_by_hand() -> None:
    """Memory-bound: dense weights of a kind over the bandwidth."""
    made = array(dataflow="gemm", packing="none")
    assert made.decode is not None
    parts = waits_by_group(made.decode)
    assert parts[PROJECTIONS].weights == pytest.approx(12 * 4 * 768 * 768 / 1.5e9)
    assert parts[HEAD].weights == pytest.approx(768 * 50272 / 1.5e9)
    assert parts[ATTENTION].weights == 0
    assert binding(made.decode) == ("memory", pytest.approx(1.0))


def test_which_dataflow_runs_how_many_blocks() -> None:
    assert chosen_dataflows(array(dataflow="gemm").prefill) == {"gemm": 12}
    assert chosen_dataflows(array(dataflow="tphs").prefill) == {"tphs": 12}


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_the_bandwidth_curve_is_what_simulate_gives(phase: str) -> None:
    made = array()
    curve = bandwidth_curve(made, phase, [1.25e8, 1.5e9, 6e9])
    assert curve.seconds
    for flow, times in curve.seconds.items():
        for speed, seconds in zip(curve.bandwidth, times, strict=True):
            again = array(dataflow=flow, bandwidth=float(speed), context=made.context)
            found = getattr(again, phase)
            assert seconds == pytest.approx(found.seconds)


def test_dataflows_cross_where_they_take_as_long() -> None:
    settings = {"gemm_elements": "parallel", "macs_per_cycle": 52, "softmax_per_cycle": 96}
    made = array(prompt=512, **settings)
    curve = bandwidth_curve(made, "prefill")
    assert len(curve.crossings) == 1
    at = bandwidth_curve(made, "prefill", [curve.crossings[0]])
    assert at.seconds["gemm"][0] == pytest.approx(at.seconds["tphs"][0], rel=0.01)


def test_a_roofline_has_one_curve() -> None:
    made = simulate("opt-125m", device="raspberry-pi-5", prompt=16)
    curve = bandwidth_curve(made)
    assert list(curve.seconds) == ["roofline"]
    assert curve.crossings == ()
    assert (np.diff(curve.seconds["roofline"]) <= 0).all()


def test_what_cannot_be_drawn_again_is_refused(tmp_path: Path) -> None:
    made = simulate("deit-s", device="zcu102")
    with pytest.raises(ValueError, match="encoder"):
        bandwidth_curve(made, "decode")
    with pytest.raises(ValueError, match="prefill, decode"):
        bandwidth_curve(made, "rest")
    with pytest.raises(ValueError, match="positive"):
        bandwidth_curve(made, "prefill", [0])
    with pytest.raises(ValueError, match="must have an array of processing elements"):
        curve_of(simulate("opt-125m", device="raspberry-pi-5"))


def test_a_loaded_simulation_knows_its_ratio_but_not_a_profile(tmp_path: Path) -> None:
    made = array(overlap=0.5)
    made.save(tmp_path / "s.json")
    again = mp.Simulation.load(tmp_path / "s.json")
    assert again == made
    assert again.settings.overlap == 0.5
    before, after = (bandwidth_curve(one, "decode", [1e9]) for one in (made, again))
    assert before.seconds["gemm"] == after.seconds["gemm"]
    text = (tmp_path / "s.json").read_text()
    (tmp_path / "p.json").write_text(text.replace('"packing": "1.5x"', '"packing": "reindexed"'))
    with pytest.raises(ValueError, match=r"'reindexed'.*simulate again"):
        bandwidth_curve(mp.Simulation.load(tmp_path / "p.json"))
