"""The tables of DESIGN section 6, from `mp.profile` on real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import meadow_py as mp

SHAPE = (768, 768)


@pytest.fixture(scope="module")
def weights(shared_data: Path) -> tuple[mp.Profile, mp.Profile]:
    gpt2 = mp.profile(shared_data / "weights" / "gpt2-attention")
    neo = mp.profile(shared_data / "weights" / "gpt-neo-125m-attention")
    assert [len(gpt2.weights), len(neo.weights)] == [12, 24]
    assert {w.shape for w in gpt2.weights + neo.weights} == {SHAPE}
    return gpt2, neo


def column(profiles: tuple[mp.Profile, ...], granularity: str, chunk: int, key: str) -> np.ndarray:
    """One figure of all 36 weights; bits per weight unless it is of the packing itself."""
    packings = [
        packing
        for profile in profiles
        for weight in profile.weights
        for packing in weight.packings
        if (packing.granularity, packing.chunk_size) == (granularity, chunk)
    ]
    if key == "unique_chunks":
        return np.array([packing.unique_chunks for packing in packings])
    return np.array([packing.bits_per_weight[key] for packing in packings])


@pytest.mark.parametrize(
    ("granularity", "lowest", "highest", "mean"),
    [
        ("tensor", 3.19, 6.60, 5.29),
        ("row", 6.05, 7.27, 7.02),
        ("group:128", 6.98, 7.52, 7.43),
    ],
)
def test_symbol_floors(
    weights: tuple[mp.Profile, ...], granularity: str, lowest: float, highest: float, mean: float
) -> None:
    floors = column(weights, granularity, 2, "floor_symbol")
    assert len(floors) == 36
    assert (floors.min().round(2), floors.max().round(2)) == (lowest, highest)
    assert floors.mean().round(2) == mean


@pytest.mark.parametrize(
    ("chunk", "unique", "counted", "mean", "not_counted", "expanding"),
    [
        (2, (1227, 18342), (1.00, 1.45), 1.20, (1.07, 1.45), None),
        (4, (18209, 147150), (0.64, 1.69), 0.83, (1.78, 2.13), 29),
        (8, (54253, 73728), (0.79, 1.01), None, (3.76, 4.00), 35),
    ],
)
def test_naive_packing_with_one_scale_per_tensor(
    weights: tuple[mp.Profile, ...],
    chunk: int,
    unique: tuple[int, int],
    counted: tuple[float, float],
    mean: float | None,
    not_counted: tuple[float, float],
    expanding: int | None,
) -> None:
    distinct = column(weights, "tensor", chunk, "unique_chunks")
    assert (distinct.min(), distinct.max()) == unique
    ratios = 8 / column(weights, "tensor", chunk, "naive")
    assert (ratios.min().round(2), ratios.max().round(2)) == counted
    assert mean is None or ratios.mean().round(2) == mean
    assert expanding is None or (ratios < 1).sum() == expanding
    alone = 8 / column(weights, "tensor", chunk, "index_only")
    # 1.7778 is printed 1.78 and 3.7647 is printed 3.76, as by round().
    assert (alone.min().round(2), alone.max().round(2)) == not_counted


def test_floors_of_the_stored_bf16(weights: tuple[mp.Profile, ...]) -> None:
    stored = weights[1].weights
    assert {weight.dtype for weight in stored} == {"BF16"}
    fields = np.mean([weight.floors["fields"] for weight in stored])
    joint = np.mean([weight.floors["joint"] for weight in stored])
    assert round(fields / 16 * 100, 2) == 66.32
    assert round(joint / 16 * 100, 2) == 66.02


def test_no_sweet_spot_is_claimed_where_dense_or_plain_huffman_is_smaller(
    weights: tuple[mp.Profile, ...],
) -> None:
    for profile in weights:
        for section in profile.summary():
            assert section.total.sweet_spot is None
    # One attention output whose neighbouring codes correlate: pairs beat single codes.
    by_weight = {group.label: group for group in weights[0].summary()[0].weights}
    spot = by_weight["transformer.h.0.attn.c_proj.weight"].sweet_spot
    assert spot is not None
    assert (spot.codec, spot.chunk_size) == ("reindexed", 2)
