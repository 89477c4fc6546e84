"""Where the better dataflow flips."""

from __future__ import annotations

import numpy as np
import pytest

from meadow_py.claims.meadow import retrace as meadow
from meadow_py.claims.meadow.space import Grid, settings_of
from meadow_py.simulator import dataflow_map, simulate

PARALLEL = {"gemm_elements": "parallel", "macs_per_cycle": 52, "softmax_per_cycle": 96}


def test_it_flips_from_tphs_to_gemm_as_both_grow() -> None:
    found = dataflow_map("opt-125m", prompt=512, **PARALLEL)
    tphs = found.tphs_is_better
    assert tphs[:, 0].all()
    assert tphs[0].all()
    assert not tphs[-1, -1]
    assert (np.diff(tphs.astype(int), axis=0) <= 0).all()
    assert (np.diff(tphs.astype(int), axis=1) <= 0).all()


def test_whole_simulations_choose_the_same() -> None:
    found = dataflow_map("opt-125m", prompt=256, elements=(96,), packing="1.5x", **PARALLEL)
    assert found.bandwidths.size
    for column, bandwidth in enumerate(found.bandwidths):
        times = {
            flow: simulate(
                "opt-125m",
                device="zcu102",
                bandwidth=float(bandwidth),
                prompt=256,
                dataflow=flow,
                packing="1.5x",
                **PARALLEL,
            ).prefill_s
            for flow in ("gemm", "tphs")
        }
        apart = 12 * (found.gemm_s - found.tphs_s)[0, column]
        assert times["gemm"] - times["tphs"] == pytest.approx(apart, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("growth", ["parallel", "proportional"])
def test_the_retrace_sees_the_same_map(growth: str) -> None:
    """Two ways to the same figure; 14 and 48 elements in proportion are no whole numbers."""
    settings = settings_of(meadow.STATED)
    elements = (24, 96) if growth == "proportional" else meadow.ELEMENTS
    bandwidths = tuple(f"{n}Gb/s" for n in meadow.GIGABITS)
    shared = {"prompt": meadow.STATED_PROMPT, "elements": elements, "bandwidths": bandwidths}
    found = dataflow_map("opt-125m", growth=growth, **shared, **settings)
    grid = Grid.of({name: (value,) for name, value in meadow.STATED.items()})
    swept = meadow.better_dataflow(grid, meadow.STATED_PROMPT, growth, elements)
    assert (found.tphs_is_better == swept[..., 0]).all()


def test_frame_and_dict() -> None:
    pytest.importorskip("pandas")
    found = dataflow_map("deit-s", elements=(24, 96), bandwidths=("1Gb/s", 6e9))
    frame = found.to_dataframe()
    assert frame["gemm_s"].tolist() == found.gemm_s.ravel().tolist()
    assert frame["elements"].tolist() == [24, 24, 96, 96]
    assert found.to_dict()["bandwidths"] == [0.125e9, 6e9]
    assert found.prompt == 197


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "raspberry-pi-5"}, "array"),
        ({"growth": "all"}, "growth"),
        ({"elements": (12,)}, "elements"),
        ({"bandwidths": (0.0,)}, "bandwidths"),
        ({"bandwidths": ("5",)}, "bandwidth"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataflow_map("opt-125m", **changes)
