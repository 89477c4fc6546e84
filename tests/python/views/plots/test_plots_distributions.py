"""Distributions of values and growth of dictionaries are those of the profile."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.patches import StepPatch

import meadow_py as mp
from meadow_py.codecs import CODECS
from meadow_py.views import plots
from meadow_py.views.plots import histograms as spreads
from meadow_py.views.plots.labels import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "model.layers.0.self_attn.q_proj.weight"


def legend_of(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_counts_of_one_weight(small: mp.Profile) -> None:
    (weight,) = (w for w in small.weights if w.name == NAME)
    spread = weight.values
    assert spread is not None
    ax = plots.draw(small, "values", weight=NAME)
    (steps,) = (patch for patch in ax.patches if isinstance(patch, StepPatch))
    counts, edges, _ = steps.get_data()
    np.testing.assert_array_equal(np.where(counts >= 1, counts, 0), spread.counts)
    np.testing.assert_allclose(edges, (np.arange(256) - 127.5) * spread.step)
    assert NAME in ax.get_title()


def test_codes_reach_the_farthest_value(small: mp.Profile) -> None:
    (weight,) = (w for w in small.weights if w.name == NAME)
    spread = weight.values
    assert spread is not None
    ax = plots.draw(small, "values", weight=NAME)
    far = max(-spread.low, spread.high)
    for bits, most in ((8, 127), (4, 7)):
        (ruler,) = (x for x in ax.lines if f"INT{bits}" in str(x.get_label()))
        np.testing.assert_allclose(ruler.get_xdata(), np.arange(-most, most + 1) * far / most)
        assert ruler.get_ydata()[0] < 0.5, "below all counts"
    zeros = spread.counts[127] / sum(spread.counts)
    (said,) = (text for text in legend_of(ax) if "INT8" in text)
    assert f"{percent(zeros)} of the values become 0" in said.replace("\n", " ")


def test_shares_are_those_of_numpy() -> None:
    values = (np.random.default_rng(1).standard_t(3, (256, 256)) * 0.1).astype(np.float32)
    profile = mp.profile({"w": values}, bits=8, chunk_sizes=2, progress=False)
    spread = profile.weights[0].values
    assert spread is not None
    for deviations in (1, 2, 4):
        width = deviations * spread.std
        inside = float((np.abs(values) < width).mean())
        assert spreads.share_within(spread, -width, width) == pytest.approx(inside, abs=0.01)
    edges = np.linspace(-80, 80, 161)
    scaled = values.astype(np.float64) / spread.std
    expected, _ = np.histogram(scaled, edges, density=True)
    shares = spreads.density([(profile.weights[0], spread)], edges)
    assert np.abs(np.cumsum(shares) - np.cumsum(expected)).max() < 0.01
    assert shares.sum() == pytest.approx(1)


def test_roles_in_deviations(small: mp.Profile) -> None:
    ax = plots.draw(small, "values")
    said = legend_of(ax)
    assert [text.partition(" ")[0] for text in said[:-1]] == [
        *("attention.q", "attention.k", "attention.v", "attention.o"),
        *("mlp.up", "mlp.gate", "mlp.down", "embedding", "head"),
    ]
    spreads_of = [w.values for w in small.weights if w.role == "attention.q"]
    far = max(max(-s.low, s.high) / s.std for s in spreads_of if s)
    assert f"to {far:.3g} deviations" in said[0]
    drawn = {(line.get_color(), line.get_linestyle()) for line in ax.lines[:18:2]}
    assert len(drawn) == len(said) - 1, "no two roles look alike"


def test_growth_of_one_weight_is_the_profile(small: mp.Profile) -> None:
    (weight,) = (w for w in small.weights if w.name == NAME)
    ax = plots.draw(small, "growth", weight=NAME, bits=4, granularity="tensor")
    assert any((p.bits, p.granularity) == (4, "tensor") for p in weight.packings)
    for packing in (p for p in weight.packings if (p.bits, p.granularity) == (4, "tensor")):
        (line,) = (x for x in ax.lines if x.get_label() == f"_C={packing.chunk_size}")
        read, distinct = np.array(packing.growth, float).T
        np.testing.assert_allclose(
            np.interp(read / read[-1], *line.get_data()), distinct / read[-1], atol=0.01
        )
        assert line.get_ydata()[-1] == packing.unique_chunks / read[-1]
        (said,) = (t.get_text() for t in ax.texts if t.get_text().startswith(line.get_label()[1:]))
        assert f"{packing.dictionary_bytes} B" in said or "kB" in said


def test_growth_of_many_is_added_up(small: mp.Profile) -> None:
    ax = plots.draw(small, "growth", role="attention")
    members = [w for w in small.weights if w.role.startswith("attention")]
    same = [next(p for p in w.packings if p.chunk_size == 4) for w in members]
    (line,) = (x for x in ax.lines if x.get_label() == "_C=4")
    chunks = sum(p.growth[-1][0] for p in same)
    assert line.get_ydata()[-1] == pytest.approx(sum(p.unique_chunks for p in same) / chunks)
    (diagonal,) = (x for x in ax.lines if x.get_label() == "every chunk is new")
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())


def test_stored_codes_have_no_scale_to_reach() -> None:
    codes = np.random.default_rng(0).integers(0, 90, (32, 32)).astype(np.uint8)
    ax = plots.draw(mp.profile({"codes": codes}, progress=False), "values")
    assert ax.get_xlabel() == "stored code"
    assert not any("INT4" in text for text in legend_of(ax))


def test_weights_without_spread() -> None:
    same = {"a": np.zeros((8, 8), np.float32), "b": np.ones((8, 8), np.float32)}
    profile = mp.profile(same, bits=8, granularity="tensor", chunk_sizes=2, progress=False)
    with pytest.raises(ValueError, match="all equal"):
        plots.draw(profile, "values")
    for kind in plots.KINDS:
        if kind != "values":
            assert plots.draw(profile, kind).get_title()
    assert "all values are equal" in plots.draw(profile, "values", weight="a").get_title()


def test_files_of_earlier_versions_say_what_to_do(small: mp.Profile) -> None:
    def older(weight: mp.profiler.WeightProfile) -> mp.profiler.WeightProfile:
        bare = tuple(
            replace(
                p,
                growth=(),
                ledgers={k: v for k, v in p.ledgers.items() if k in ("dense", *CODECS)},
            )
            for p in weight.packings
        )
        return replace(weight, values=None, packings=bare)

    old = replace(small, weights=tuple(older(weight) for weight in small.weights))
    for kind in ("values", "growth"):
        with pytest.raises(ValueError, match="earlier version, profile the model again"):
            plots.draw(old, kind)
    for kind in ("heatmap", "bytes", "ratio", "rate-distortion"):
        assert plots.draw(old, kind).get_title()


def test_percents_are_not_rounded_up() -> None:
    assert percent(math.erfc(4 / math.sqrt(2))) == "0.0063 %"
    assert percent(0.99996) == "99.9 %"
    assert percent(1.0) == "100 %"
    assert percent(0.123) == "12.3 %"
    assert percent(0.0) == "0 %"
    assert percent(1e-9) == "less than 0.001 %"
