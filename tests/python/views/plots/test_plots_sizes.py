"""Bytes, ratios and rates are those of the ledgers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.profiler import WeightPacking, WeightProfile
from meadow_py.views import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SETTING = (8, "tensor")
CODECS = ("naive", "packets", "reindexed")


def of_setting(weight: WeightProfile, setting: tuple[int, str] = SETTING) -> list[WeightPacking]:
    return [p for p in weight.packings if (p.bits, p.granularity) == setting]


def smallest(weights: list[WeightProfile], setting: tuple[int, str] = SETTING) -> tuple[int, list]:
    """Bits and ledgers of the one codec and chunk size that suits `weights` best."""
    made = [of_setting(weight, setting) for weight in weights]
    options = [
        [packings[n].ledgers[codec] for packings in made]
        for n in range(len(made[0]))
        for codec in CODECS
    ]
    return min(((sum(x.total for x in some), some) for some in options), key=lambda pair: pair[0])


def line(ax: Axes, label: str) -> np.ndarray:
    (found,) = (drawn for drawn in ax.lines if drawn.get_label() == label)
    return np.column_stack(found.get_data())


def test_bars_are_the_parts_of_ledgers(small: mp.Profile) -> None:
    ax = plots.draw(small, "bytes")
    roles = [label.get_text().split(" ")[0] for label in ax.get_yticklabels()]
    assert roles[0] == "attention.q"
    assert {"embedding", "head", "mlp.down"} < set(roles)
    stacks = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    for n, role in enumerate(roles):
        bits, ledgers = smallest([w for w in small.weights if w.role == role])
        assert stacks["dictionary"][n] * 8 == sum(x.dictionary for x in ledgers)
        assert stacks["indices"][n] * 8 == sum(x.indices for x in ledgers)
        assert stacks["scales, zero points"][n] * 8 == sum(x.scales for x in ledgers)
        assert sum(parts[n] for parts in stacks.values()) * 8 == pytest.approx(bits)


def test_marks_are_dense_huffman_and_floor(small: mp.Profile) -> None:
    ax = plots.draw(small, "bytes", unit="b/w", role="mlp")
    weights = [w for w in small.weights if w.role == "mlp.up"]
    packings = [of_setting(weight)[0] for weight in weights]
    row = [label.get_text() for label in ax.get_yticklabels()].index("mlp.up (6)")
    dense: Any
    (dense,) = (c for c in ax.collections if c.get_label() == "dense")
    by_key = {
        key: np.mean([p.bits_per_weight[key] for p in packings])
        for key in packings[0].bits_per_weight
    }
    assert dense.get_segments()[row][0][0] == pytest.approx(by_key["dense"])
    assert line(ax, "plain Huffman")[row][0] == pytest.approx(by_key["plain_huffman"])
    assert line(ax, "storage codec")[row][0] == pytest.approx(by_key["storage"])
    floors = line(ax, "entropy of single codes + scales")
    assert floors[row][0] == pytest.approx(by_key["floor_symbol"] + by_key["scales"])


def test_bars_say_their_ratio(small: mp.Profile) -> None:
    ax = plots.draw(small, "bytes")
    weights = [w for w in small.weights if w.role == "attention.q"]
    dense = sum(of_setting(w)[0].ledgers["dense"].total for w in weights)
    said = ax.texts[0].get_text()
    assert said.startswith(f"{dense / smallest(weights)[0]:.2f}x, ")


def test_every_weight_stands_at_its_floor_and_ratio(small: mp.Profile) -> None:
    ax = plots.draw(small, "ratio")
    members = [w for w in small.weights if w.role == "attention.k"]
    points = line(ax, "packed: attention.k (6)")
    assert members
    for weight, (floor, reached) in zip(members, points, strict=True):
        first = of_setting(weight)[0]
        known = first.bits_per_weight
        assert floor == pytest.approx(known["floor_symbol"] + known["scales"])
        assert reached == pytest.approx(first.ledgers["dense"].total / smallest([weight])[0])


def test_the_storage_codec_stands_at_its_ratio(small: mp.Profile) -> None:
    drawn = line(plots.draw(small, "ratio"), "storage codec")
    assert small.weights
    for weight, (_, reached) in zip(small.weights, drawn, strict=True):
        books = of_setting(weight)[0].ledgers
        assert reached == pytest.approx(books["dense"].total / books["storage"].total)


def test_no_huffman_code_is_drawn_out_of_reach(small: mp.Profile) -> None:
    for granularity in ("tensor", "row", "group:32"):
        ax = plots.draw(small, "ratio", granularity=granularity)
        curve = line(ax, "floor: the bound set by entropy")
        for label in ("plain Huffman", "storage codec"):
            for floor, reached in line(ax, label):
                assert reached <= np.interp(floor, *curve.T) * (1 + 1e-4)
    (beyond,) = (c for c in ax.collections if "out of reach" in str(c.get_label()))
    lowest = beyond.get_paths()[0].vertices
    np.testing.assert_allclose(lowest[:, 1].max(), curve[:, 1].max(), rtol=1e-6)


def test_rates_of_all_settings(small: mp.Profile) -> None:
    ax = plots.draw(small, "rate-distortion")
    values = sum(w.count for w in small.weights)
    settings = [(b, g) for b in (8, 4) for g in ("tensor", "row", "group:32")]
    drawn = {label: line(ax, label) for label in ("dense", "plain Huffman", "smallest packing")}
    for n, setting in enumerate(settings):
        packings = [of_setting(w, setting)[0] for w in small.weights]
        worst = min(p.snr_db for p in packings)
        for label, points in drawn.items():
            key = {"dense": "dense", "plain Huffman": "plain_huffman"}.get(label)
            bits = sum(p.ledgers[key].total for p in packings) if key else None
            bits = bits or smallest(list(small.weights), setting)[0]
            np.testing.assert_allclose(points[n], [bits / values, worst], rtol=1e-12)
    labels = [text.get_text() for text in ax.texts]
    assert labels == [f"INT{bits} {granularity}" for bits, granularity in settings]


def test_nothing_beats_the_front(small: mp.Profile) -> None:
    ax = plots.draw(small, "rate-distortion")
    front = line(ax, "Pareto front: nothing is smaller and as good")
    assert (np.diff(front, axis=0) > 0).all()
    for label in ("dense", "plain Huffman", "smallest packing"):
        for rate, snr in line(ax, label):
            assert any(other <= rate and quality >= snr for other, quality in front)


def test_codes_that_lost_nothing_stand_on_top() -> None:
    codes = np.random.default_rng(0).integers(-20, 20, (32, 32)).astype(np.int8)
    profile = mp.profile({"codes": codes}, chunk_sizes=2, progress=False)
    ax = plots.draw(profile, "rate-distortion")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["exact"]
    assert ax.texts[0].get_text() == "INT8 stored"
    both = mp.profile(
        {"codes": codes, "floats": codes * np.float32(0.1)}, chunk_sizes=2, progress=False
    )
    ax = plots.draw(both, "rate-distortion")
    assert ax.get_yticklabels()[-1].get_text() == "exact"
    assert "INT8 stored (1 of 2 weights)" in [text.get_text() for text in ax.texts]
    assert not [drawn for drawn in ax.lines if "Pareto" in str(drawn.get_label())]


def test_a_profile_of_one_setting(plain: mp.Profile) -> None:
    for kind in ("bytes", "ratio", "rate-distortion"):
        assert plots.draw(plain, kind).get_title()
    assert len(line(plots.draw(plain, "rate-distortion"), "dense")) == 1
