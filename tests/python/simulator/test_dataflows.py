"""Traffic, overlap and pipelines of single operations, against arithmetic by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from meadow_py.simulator import Decoder, PackedWeight
from meadow_py.simulator.cost import DataflowInputs, PackedWeights, overlapped
from meadow_py.simulator.dataflows import (
    gemm_cost,
    layer_costs,
    pipeline_cost,
    seconds,
    stationary_traffic,
)
from meadow_py.simulator.machine import Machine
from meadow_py.workload import ATTENTION_CORE, Operation, Pass, Precision, shape_of

SHAPE = shape_of("opt-125m")


def _setting(tokens: int = 64, **machine: float) -> tuple[DataflowInputs, tuple[Operation, ...]]:
    block = Pass(SHAPE, tokens, 0, 1, masked=False).block()
    packed = {one.name: PackedWeight(one.weights) for one in block if one.weights}
    numbers = {
        "bandwidth": 1e9,
        "overlap": 1.0,
        "macs_per_s": 96e9,
        "parallel": 84e9,
        "broadcasting": 12e9,
        "softmax_per_s": 1e12,
        **machine,
    }
    return DataflowInputs(Machine(**numbers), Precision(), PackedWeights(packed), 12, 12), block


def test_stationary_operands_by_brute_force() -> None:
    for weight, inputs, weight_buffer, input_buffer in itertools.product(
        (10, 100), (10, 100), (7, 50, 1000), (7, 50, 1000)
    ):
        setting, _ = _setting(weight_buffer=weight_buffer, input_buffer=input_buffer)
        parts = math.ceil(weight / weight_buffer), math.ceil(inputs / input_buffer)
        again_inputs = inputs * (parts[0] if parts[1] > 1 else 1)
        again_weight = weight * (parts[1] if parts[0] > 1 else 1)
        assert sum(stationary_traffic(weight, inputs, setting)) == min(
            weight + again_inputs, again_weight + inputs
        )


def test_overlap() -> None:
    for share, expected in ((0, 5.0), (0.5, 4.0), (1, 3.0)):
        setting, _ = _setting(overlap=share)
        assert overlapped(setting.machine, 2.0, 3.0) == expected


def test_pipeline_takes_its_slowest_stage() -> None:
    """At 128 tokens MEADOW's 84 and 12 elements are balanced: (768 + 128) / 84 = 128 / 12."""
    for tokens, slowest in ((64, "parallel"), (128, "both"), (512, "broadcasting")):
        setting, block = _setting(tokens, bandwidth=1e15)
        core = {one.name: one for one in block if one.name in ATTENTION_CORE}
        cost = pipeline_cost(core, setting)
        parallel = tokens * 768 * (768 + tokens) / 84e9
        broadcasting = tokens * 768 * tokens / 12e9
        assert cost.compute_s == pytest.approx(max(parallel, broadcasting))
        if slowest == "both":
            assert parallel == pytest.approx(broadcasting)
        else:
            assert (parallel > broadcasting) == (slowest == "parallel")


def test_pipeline_moves_only_its_ends() -> None:
    setting, block = _setting(tokens=100)
    core = {one.name: one for one in block if one.name in ATTENTION_CORE}
    cost = pipeline_cost(core, setting)
    assert cost.weight_bytes == 768 * 768
    assert cost.read_bytes == cost.written_bytes == 100 * 768
    assert cost.kv_read_bytes == 2 * 100 * 768
    assert cost.seconds == pytest.approx((768 * 768 + 4 * 100 * 768) / 1e9)


def test_pipeline_with_small_buffers_reads_again() -> None:
    setting, block = _setting(tokens=100, input_buffer=100 * 768 / 2, weight_buffer=1e9)
    core = {one.name: one for one in block if one.name in ATTENTION_CORE}
    moved = pipeline_cost(core, setting).fetched
    by_part = 100 * 768 + 2 * (768 * 768 + 2 * 100 * 768)
    by_head = 12 * 100 * 768 + 768 * 768 + 2 * 100 * 768
    assert moved == min(by_part, by_head)


def test_filling_and_softmax_units() -> None:
    setting, block = _setting(bandwidth=1e15, softmax_per_s=1e6, fill_s=1e-3)
    core = {one.name: one for one in block if one.name in ATTENTION_CORE}
    cost = pipeline_cost(core, setting)
    assert cost.seconds == pytest.approx(12 * 64 * 64 / 1e6 + 12 * 1e-3)
    assert cost.bound() == "softmax"


def test_scores_of_more_bits_and_elementwise_to_memory() -> None:
    setting, block = _setting(tokens=32, score_factor=4.0, elementwise_to_memory=1.0)
    found = {one.name: gemm_cost(one, setting) for one in block}
    scores = 12 * 32 * 32
    assert found["attention.scores"].written_bytes == 4 * scores
    assert found["attention.softmax"].read_bytes == 4 * scores
    assert found["attention.values"].read_bytes == 4 * scores
    assert found["residual"].fetched == 2 * 32 * 768
    assert found["norm"].stored == 32 * 768


def test_arrays_give_what_numbers_give() -> None:
    bandwidths = np.array([1e8, 1e9, 1e12])
    many, block = _setting(bandwidth=bandwidths)
    for flow in ("gemm", "tphs", "roofline"):
        together = seconds(layer_costs(block, many, flow))
        for place, bandwidth in enumerate(bandwidths):
            one, _ = _setting(bandwidth=float(bandwidth))
            assert together[place] == pytest.approx(seconds(layer_costs(block, one, flow)))


def test_decoder_takes_the_slower_of_two_paces() -> None:
    decoder = Decoder(weights_per_cycle=2, weights_per_second=1e8, start_cycles=10)
    assert decoder.seconds(1000, 1e9) == pytest.approx(1000 / 1e8)
    assert decoder.seconds(1000, 1e6) == pytest.approx((10 + 500) / 1e6)
    assert Decoder(weights_per_second=5).seconds(10, None) == 2
    with pytest.raises(ValueError, match="clock"):
        decoder.seconds(1, None)


def test_more_of_anything_is_never_slower() -> None:
    base, block = _setting(tokens=200, weight_buffer=1e5, input_buffer=1e4, overlap=0.5)
    for name, flow in itertools.product(
        ("bandwidth", "overlap", "macs_per_s", "parallel", "softmax_per_s", "input_buffer"),
        ("gemm", "tphs"),
    ):
        before = seconds(layer_costs(block, base, flow))
        grown = DataflowInputs(
            base.machine.with_(**{name: getattr(base.machine, name) * 2}),
            base.precision,
            base.packed,
            12,
            12,
        )
        assert seconds(layer_costs(block, grown, flow)) <= before


def test_unknown_numbers_of_a_machine_are_refused() -> None:
    setting, _ = _setting()
    with pytest.raises(ValueError, match="speed"):
        setting.machine.with_(speed=1.0)
