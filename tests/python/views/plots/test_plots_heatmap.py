"""The heat map shows the ratios that the ledgers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import to_rgb

import meadow_py as mp
from meadow_py.views import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CODECS = ("naive", "packets", "reindexed")


def cells(ax: Axes) -> np.ma.MaskedArray:
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    return mesh.get_array()  # type: ignore[return-value]  # is masked


def expected(profile: mp.Profile, bits: int, granularity: str, codecs: tuple[str, ...]) -> list:
    """Rows by hand: embedding, layers, head; columns by chunk size, then plain Huffman."""
    rows: dict[object, list] = {}
    for weight in profile.weights:
        mine = [p for p in weight.packings if (p.bits, p.granularity) == (bits, granularity)]
        rows.setdefault(weight.name if weight.layer is None else weight.layer, []).append(mine)
    table = []
    for members in rows.values():
        line = []
        for chunk in range(len(members[0])):
            dense = sum(m[chunk].ledgers["dense"].total for m in members)
            sizes = [sum(m[chunk].ledgers[c].total for m in members) for c in codecs]
            line.append(dense / min(sizes))
        coded = sum(m[0].ledgers["plain_huffman"].total for m in members)
        table.append([*line, sum(m[0].ledgers["dense"].total for m in members) / coded])
    return table


@pytest.mark.parametrize("codec", ["best", *CODECS])
def test_cells_are_ratios_of_ledgers(small: mp.Profile, codec: str) -> None:
    ax = plots.draw(small, "heatmap", bits=4, granularity="row", codec=codec)
    shown = np.delete(cells(ax), -2, axis=1)  # the gap before plain Huffman
    codecs = CODECS if codec == "best" else (codec,)
    np.testing.assert_allclose(shown, expected(small, 4, "row", codecs), rtol=1e-12)
    assert cells(ax).mask[:, -2].all()


def test_numbers_in_cells_are_those_of_the_colours(small: mp.Profile) -> None:
    ax = plots.draw(small)
    texts = [text.get_text() for text in ax.texts]
    shown = np.delete(cells(ax), -2, axis=1)
    assert len(texts) == shown.size
    for text, value in zip(texts, shown.ravel(), strict=True):
        assert abs(float(text) - value) <= 0.00501
        assert (float(text) < 1) == (value < 1), "text and colour would disagree"


def test_colours_part_at_dense(small: mp.Profile) -> None:
    ax = plots.draw(small)
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    assert float(mesh.norm(1.0)) == pytest.approx(0.5)
    (red, _, blue), (more_red, _, less_blue) = (to_rgb(mesh.to_rgba(v)) for v in (1.02, 0.98))
    assert blue > red
    assert more_red > less_blue


def test_rows_are_layers_between_other_weights(small: mp.Profile) -> None:
    ax = plots.draw(small)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["model.embed_tokens.weight", "lm_head.weight", *"012345"]
    places = dict(zip(labels, ax.get_yticks(), strict=True))
    low, high = sorted(ax.get_ylim())
    assert low < places["model.embed_tokens.weight"] < places["0"] < places["5"]
    assert places["5"] < places["lm_head.weight"] < high
    assert ax.yaxis_inverted()


def test_one_role_is_of_layers_only(small: mp.Profile) -> None:
    ax = plots.draw(small, role="attention.q")
    assert cells(ax).shape[0] == 6
    assert "attention.q" in ax.get_title()


def test_many_layers_are_hatched_where_they_expand(deep: Callable[[int], mp.Profile]) -> None:
    ax = plots.draw(deep(200))
    (hatched,) = (c for c in ax.collections if isinstance(c, PolyCollection))
    values = np.delete(cells(ax), -2, axis=1)
    expanding = (values[1:-1] < 1).sum(axis=0)  # per column, layers only
    area = np.zeros(values.shape[1])
    for path in hatched.get_paths():
        box = path.get_extents()
        area[int(box.x0)] += box.height
    np.testing.assert_allclose(area, expanding, atol=1e-9)
    assert expanding.any()
    assert "hatched: larger than dense" in ax.get_xlabel()
    assert len(ax.texts) == 2 * values.shape[1], "weights outside of layers keep their numbers"


def test_a_profile_of_one_setting(plain: mp.Profile) -> None:
    ax = plots.draw(plain)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["C=2", "plain\nHuffman"]


def test_a_narrow_title_is_inside_the_figure(plain: mp.Profile) -> None:
    ax = plain.plot("heatmap")
    ax.figure.canvas.draw()
    box, whole = ax.title.get_window_extent(), ax.figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert whole.y0 <= box.y0 < box.y1 <= whole.y1


def test_more_than_twenty_figures_give_no_warning(plain: mp.Profile) -> None:
    from matplotlib import pyplot

    for _ in range(22):
        plain.plot("heatmap")
    assert len(pyplot.get_fignums()) == 22
