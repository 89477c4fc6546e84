"""MEADOW retraced: the stated configuration, and that the sweep tells the truth about it."""

from __future__ import annotations

import numpy as np
import pytest

from meadow_py.claims.meadow import retrace as meadow
from meadow_py.claims.meadow.retrace import all_claims
from meadow_py.claims.meadow.space import LAYOUTS, SPACE, Grid, settings_of
from meadow_py.simulator import simulate

ONE = {name: (value,) for name, value in meadow.STATED.items()}


def _stated() -> tuple[meadow.Retrace, meadow.AtPrompt]:
    found = meadow.retrace((meadow.STATED_PROMPT,), ONE)
    return found, found.prompts[0]


def test_the_stated_configuration_meets_every_claim() -> None:
    found, at = _stated()
    assert 64 <= at.prompt <= 512
    assert at.kept.tolist() == [0]
    for claim in meadow.GAIN_RANGES:
        assert at.holds(claim).all(), (claim.name, at.gains[claim.name])
    assert found.satisfying(at).tolist() == [0]
    assert all_claims(at, found.satisfying(at)).tolist() == [0]


def test_the_stated_configuration_is_in_the_space() -> None:
    assert all(value in SPACE[name] for name, value in meadow.STATED.items())


@pytest.mark.parametrize("claim", meadow.GAIN_RANGES, ids=lambda claim: claim.name)
def test_simulate_shows_the_same_gain(claim: meadow.GainRange) -> None:
    """Another way through the code: whole simulations, with the look-up of the embedding."""
    settings = settings_of(meadow.STATED)
    packing = settings.pop("packing")
    shared = {"device": "zcu102", "head": False, "bandwidth": f"{claim.gigabits}Gb/s", **settings}
    prompt = claim.tokens or meadow.STATED_PROMPT
    shared |= {"prompt": prompt, "context": prompt}
    dense = simulate(claim.model, dataflow="gemm", **shared)
    packed = simulate(claim.model, dataflow="best", packing=packing, **shared)
    key = "prefill_s" if claim.phase == "prefill" else "decode_s_per_token"
    gain = getattr(dense, key) / getattr(packed, key)
    _, at = _stated()
    assert gain == pytest.approx(float(at.gains[claim.name][0]), rel=0.03)
    assert claim.low <= gain <= claim.high


def test_the_better_dataflow_flips_with_bandwidth_and_elements() -> None:
    grid = Grid.of(ONE)
    tphs = meadow.better_dataflow(grid, meadow.STATED_PROMPT, LAYOUTS[1])[..., 0]
    assert tphs[0, 0]  # 14 elements, 1 Gb/s
    assert not tphs[-1, -1]  # 96 elements, 51 Gb/s
    assert tphs[:, 0].all()
    assert tphs[0, -1]
    assert (np.diff(tphs.astype(int), axis=0) <= 0).all()
    assert (np.diff(tphs.astype(int), axis=1) <= 0).all()


def test_what_is_kept_is_what_meets_the_claims_one_by_one() -> None:
    space = {**ONE, "overlap": (0.0, 1.0), "ratio_mlp": (1.3, 1.7, 2.0), "mask_skipped": (0, 1)}
    found = meadow.retrace((128, meadow.STATED_PROMPT), space)
    assert found.prompts
    for at in found.prompts:
        for place in range(len(found.grid)):
            row = found.grid.row(place)
            one = Grid.of({name: (value,) for name, value in row.items()})
            meets = all(
                claim.low <= float(meadow.gain(claim, at.prompt, one)[0]) <= claim.high
                for claim in meadow.GAIN_RANGES
                if claim.required
            )
            assert meets == (place in at.kept)


def test_no_overlap_or_equal_elements_do_not_show_it() -> None:
    """Two constants that the flip and the gains pin down at this prompt."""
    for name, value in (("overlap", 0.0), ("gemm_broadcasting", 1.0)):
        found = meadow.retrace((meadow.STATED_PROMPT,), {**ONE, name: (value,)})
        assert not found.satisfying(found.prompts[0]).size


def test_end_to_end_lies_between_prefill_and_decode() -> None:
    grid = Grid.of(ONE)
    _, at = _stated()
    prefill = float(at.gains[meadow.GAIN_RANGES[0].name][0])
    decode = float(at.gains[meadow.GAIN_RANGES[2].name][0])
    # Longer texts lie a little lower: a KV cache that grows, and is not packed.
    ends = [
        float(meadow.end_to_end_gain(grid, at.prompt, n, 12, "opt-125m")[0]) for n in (1, 64, 512)
    ]
    assert min(prefill, decode) - 0.05 < min(ends) <= max(ends) <= max(prefill, decode)


def test_report_counts_what_it_lists() -> None:
    space = {**ONE, "ratio_mlp": (1.6, 1.7, 1.8), "ratio_attention": (1.2, 1.4)}
    report = meadow.retrace((meadow.STATED_PROMPT,), space).to_dict()
    assert report["sets"] == 6
    found = report["prompts"][0]["satisfying"]["parallel"]
    assert found["sets"] >= found["all_claims"] >= 1
    assert dict(meadow.STATED) in found["listed"]
    assert sum(found["values"]["ratio_mlp"].values()) == found["sets"]


def test_a_space_that_lacks_a_parameter_is_refused() -> None:
    for space in ({}, {**ONE, "speed": (1,)}, {**ONE, "overlap": ()}):
        with pytest.raises(ValueError, match="space"):
            meadow.retrace((128,), space)
