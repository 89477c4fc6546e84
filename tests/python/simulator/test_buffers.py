"""Latency against on-chip memory, and the smallest that meets a target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meadow_py.simulator import Ratio, buffer_curve, simulate

OPTIONS: dict[str, Any] = {"device": "zcu102", "bandwidth": "12Gb/s", "prompt": 256, "head": False}


@pytest.mark.parametrize("dataflow", ["gemm", "tphs", "best"])
def test_more_memory_is_never_slower(dataflow: str) -> None:
    curve = buffer_curve("opt-125m", dataflow=dataflow, **OPTIONS)
    for phase in ("prefill", "decode"):
        assert (np.diff(curve.seconds(phase)) <= 1e-12).all()
    assert curve.prefill_s[0] > 2 * curve.prefill_s[-1]


def test_the_curve_is_that_of_simulate() -> None:
    sizes = [64 * 1024, 2**20, 2**22]
    curve = buffer_curve("opt-125m", sizes=sizes, context=300, **OPTIONS)
    for place, size in enumerate(sizes):
        one = simulate("opt-125m", on_chip=size, context=300, **OPTIONS)
        assert curve.prefill_s[place] == pytest.approx(one.prefill_s)
        assert curve.decode_s[place] == pytest.approx(one.decode_s_per_token)


def test_smallest_meets_the_target_and_one_less_does_not() -> None:
    curve = buffer_curve("opt-125m", dataflow="tphs", **OPTIONS)
    target = float(np.median(curve.prefill_s))
    need = curve.smallest(target)
    place = int(np.flatnonzero(curve.tile_bytes == need.tiles)[0])
    assert curve.prefill_s[place] <= target < curve.prefill_s[place - 1]
    assert need.total == need.tiles + need.pipeline_registers + need.dictionary
    with pytest.raises(ValueError, match="the shortest prefill"):
        curve.smallest(curve.prefill_s[-1] / 2)


def test_what_lies_beside_the_tiles() -> None:
    packing = Ratio(1.5, on_chip_table_bytes=2544)  # 1272 pairs of INT8
    curve = buffer_curve("opt-125m", packing=packing, dataflow="tphs", **OPTIONS)
    assert curve.dictionary == 2544
    # Twelve tokens: a query and a row of scores twice, sums of 32 bits.
    assert curve.pipeline_registers == 12 * (2 * (64 + 257) + 4 * 64)
    assert buffer_curve("opt-125m", dataflow="gemm", **OPTIONS).pipeline_registers == 0


def test_what_cannot_be_sized_is_refused() -> None:
    with pytest.raises(ValueError, match="must have an array of processing elements"):
        buffer_curve("opt-125m", device="raspberry-pi-5")
    with pytest.raises(ValueError, match="one row"):
        buffer_curve("opt-125m", sizes=[100], **OPTIONS)
    encoder = buffer_curve("deit-s", device="zcu102")
    with pytest.raises(ValueError, match="encoder"):
        encoder.smallest(1.0, "decode")
    with pytest.raises(ValueError, match="phase"):
        encoder.seconds("training")
    assert encoder.to_dict()["decode_s"] is None


def test_a_size_that_the_curve_would_not_use_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"on_chip must be left out.*not 65536"):
        buffer_curve("opt-125m", device="zcu102", prompt=8, on_chip=65536)
    given = simulate("opt-125m", device="zcu102", prompt=8, on_chip=1 << 20).buffer_curve()
    free = simulate("opt-125m", device="zcu102", prompt=8).buffer_curve()
    assert np.array_equal(given.tile_bytes, free.tile_bytes)
    assert np.array_equal(given.prefill_s, free.prefill_s)
