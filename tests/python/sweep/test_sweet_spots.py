"""The sweet spot by its definition, from the profile alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.profiler.summary import WORKING_SNR_DB

PACKINGS = ("naive", "packets", "reindexed")


def snr(packing: object) -> float:
    value = packing.snr_db  # type: ignore[attr-defined]
    return math.inf if value is None else float(value)


def test_by_definition(swept: mp.Sensitivity) -> None:
    """Every figure of every sweet spot, found again by trying all of them."""
    profile = swept.profile
    assert len(swept.best()) == 6 * 3
    for spot in swept.best():
        members = [w for w in profile.weights if spot.role in (w.role, "all")]
        values = sum(w.count for w in members)
        assert (spot.weights, spot.values) == (len(members), values)
        needed = {
            w.name: snr(next(p for p in w.packings if (p.bits, p.granularity) == at(spot)))
            for w in members
        }
        sizes: dict[str, list[float]] = {
            codec: [] for codec in ("dense", "plain_huffman", "storage", "packed")
        }
        for n, packing in enumerate(members[0].packings):
            column = [w.packings[n] for w in members]
            if any(snr(p) < needed[w.name] for p, w in zip(column, members, strict=True)):
                continue
            for codec in ("dense", "plain_huffman", "storage", *PACKINGS):
                size = sum(p.ledgers[codec].total for p in column) / values
                sizes["packed" if codec in PACKINGS else codec].append(size)
            assert packing.chunk_size in (1, 2, 4)
        assert spot.packed.bits_per_weight == pytest.approx(min(sizes["packed"]))
        assert spot.huffman.bits_per_weight == pytest.approx(min(sizes["plain_huffman"]))
        assert spot.smallest_dense.bits_per_weight == pytest.approx(min(sizes["dense"]))
        assert spot.storage is not None
        assert spot.storage.bits_per_weight == pytest.approx(min(sizes["storage"]))
        rival = min(*sizes["dense"], *sizes["plain_huffman"])
        kept = spot.packed.snr_db
        fails = kept is not None and kept < WORKING_SNR_DB
        assert (spot.sweet_spot is None) == (min(sizes["packed"]) >= rival or fails)
        assert spot.snr_db == pytest.approx(min(needed.values()))


def at(spot: object) -> tuple[int, str]:
    return (spot.bits, spot.granularity)  # type: ignore[attr-defined]


def test_both_verdicts_occur(swept: mp.Sensitivity) -> None:
    up = swept.best("mlp.up", bits=8, granularity="tensor")[0].sweet_spot
    assert up is not None
    assert up.chunk_size == 4
    assert swept.best("mlp.down", bits=8, granularity="tensor")[0].sweet_spot is None


def test_another_way_of_quantising_may_win_at_no_lower_snr() -> None:
    """Rows of a few values each: INT4 row scales are exact, one INT8 scale for all is not."""
    random = np.random.default_rng(8)
    rows = np.linspace(1, 2, 64)[:, None]
    weight = (random.choice([-7, -3, 1, 5, 7], (64, 512)) * rows).astype(np.float32)
    sweep = mp.sweep({"x.weight": weight}, granularity=("tensor", "row"), chunk_sizes=2)
    spot = sweep.best(bits=4, granularity="tensor")[0]
    assert spot.smallest_dense.bits_per_weight <= spot.dense
    for choice in (spot.packed, spot.huffman, spot.smallest_dense):
        assert choice.snr_db is None or choice.snr_db >= spot.snr_db
    eight = sweep.best(bits=8, granularity="tensor")[0]
    assert (eight.smallest_dense.bits, eight.smallest_dense.granularity) == (4, "row")
    assert eight.smallest_dense.ratio == pytest.approx(
        eight.dense / eight.smallest_dense.bits_per_weight
    )


def test_weights_that_are_codes_already() -> None:
    codes = np.random.default_rng(1).integers(-3, 4, (32, 32)).astype(np.int8)
    sweep = mp.sweep({"x.weight": codes, "y.weight": codes.astype(np.float32)}, chunk_sizes=2)
    stored = sweep.best(granularity="stored")
    assert {spot.weights for spot in stored} == {1}
    assert all(spot.snr_db is None for spot in stored)
    assert "exact" in repr(sweep)


def test_filters_name_what_there_is(swept: mp.Sensitivity) -> None:
    assert {spot.role for spot in swept.best(bits=4)} == {"mlp.up", "mlp.down", "all"}
    assert len(swept.best("all", 8, "row")) == 1
    with pytest.raises(ValueError, match=r"role='head': expected one of mlp.up, mlp.down, all"):
        swept.best("head")
    with pytest.raises(ValueError, match="bits=3: expected one of 8, 4"):
        swept.best(bits=3)


def test_of_one_role_there_is_no_total() -> None:
    weight = np.random.default_rng(3).standard_normal((16, 16), np.float32)
    sweep = mp.sweep({"x.fc1.weight": weight}, bits=8, granularity="row", chunk_sizes=2)
    assert len(sweep.best()) == 1


def test_no_sweet_spot_where_a_model_would_not_work() -> None:
    """Outliers leave INT4 with one scale nothing but zeros, which pack to almost nothing."""
    values = np.random.default_rng(5).standard_normal((64, 64)).astype(np.float32)
    values[0, 0] = 60.0
    settings = {"bits": 4, "granularity": "tensor", "chunk_sizes": (4, 8)}
    made = mp.sweep({"x.fc1.weight": values}, symmetric=True, **settings)
    spot = made.best()[0]
    assert spot.snr_db is not None
    assert spot.snr_db < WORKING_SNR_DB
    assert spot.smallest is spot.packed
    assert spot.sweet_spot is None
    assert f"none, as a model needs {WORKING_SNR_DB} dB" in " ".join(repr(made).split())
    assert made.to_dict()["sweet_spots"][0]["sweet_spot"] is None
    total = made.profile.summary()[0].total
    assert total.is_packing_smallest
    assert total.sweet_spot is None
    assert "no sweet spot: a model needs 14.6 dB" in " ".join(repr(made.profile).split())


def test_the_threshold_is_the_snr_of_the_best_quantiser_of_3_bits() -> None:
    """Lloyd's algorithm on a normal distribution, as in Max's table I."""
    sample = np.sort(np.random.default_rng(0).standard_normal(400_000))
    levels = np.linspace(-2, 2, 8)
    for _ in range(300):
        nearest = np.searchsorted((levels[1:] + levels[:-1]) / 2, sample)
        levels = np.bincount(nearest, sample) / np.bincount(nearest)
    error = np.mean((sample - levels[nearest]) ** 2)
    assert 10 * np.log10(np.mean(sample**2) / error) == pytest.approx(WORKING_SNR_DB, abs=0.05)
