"""Nothing overlaps, nothing is cut off, everything can be read: 12, 48, 200 layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import style
from matplotlib.colors import to_rgba

import meadow_py as mp
from meadow_py.views import plots
from meadow_py.views.plots.canvas import LINES, MARKERS, ground, luminance, palette
from meadow_py.views.plots.labels import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

KINDS = tuple(plots.KINDS)
SHEETS = {"light": ["default"], "dark": ["default", "dark_background"]}
ROUNDING = 1.0  # pixels


def shown_texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is really drawn, and where."""
    drawn: dict[Text, None] = {}
    draw = mpl.text.Text.draw

    def recorded(text: Text, *args: Any, **options: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn[text] = None
        draw(text, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mpl.text.Text, "draw", recorded)
        figure.draw_without_rendering()  # lays it out; ticks of before may be recorded
        drawn.clear()
        figure.canvas.draw()
    return [(text, text.get_window_extent()) for text in drawn]


def assert_apart(figure: Figure) -> None:
    texts = shown_texts(figure)
    assert len(texts) > 5
    for (one, here), (other, there) in combinations(texts, 2):
        width = min(here.x1, there.x1) - max(here.x0, there.x0)
        height = min(here.y1, there.y1) - max(here.y0, there.y0)
        overlap = width > ROUNDING and height > ROUNDING
        assert not overlap, f"{one.get_text()!r} overlaps {other.get_text()!r}"


def assert_inside(figure: Figure) -> None:
    box = figure.bbox
    for text, here in shown_texts(figure):
        inside = here.x0 >= -1 and here.y0 >= -1 and here.x1 <= box.x1 + 1 and here.y1 <= box.y1 + 1
        assert inside, f"{text.get_text()!r} is cut off"


def contrast(one: Any, other: Any) -> float:
    """WCAG 2.2: 3 and more is readable for large text and graphics."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("layers", [12, 48, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_apart_and_whole(
    deep: Callable[[int], mp.Profile], kind: str, layers: int
) -> None:
    with style.context(SHEETS["light"]):
        figure = plots.figure(deep(layers), kind)
        assert_apart(figure)
        assert_inside(figure)
    width, height = figure.get_size_inches()
    assert width <= 12
    assert height <= 12, "a figure that no screen shows"


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_of_one_setting_is_laid_out(plain: mp.Profile, kind: str) -> None:
    figure = plots.figure(plain, kind)
    assert_apart(figure)
    assert_inside(figure)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("values", {"weight": "model.layers.3.mlp.down_proj.weight"}),
        ("values", {"role": "mlp.down"}),
        ("growth", {"weight": "model.layers.3.mlp.down_proj.weight"}),
        ("bytes", {"unit": "b/w"}),
        ("heatmap", {"role": "embedding"}),
        ("rate-distortion", {"role": "attention"}),
    ],
)
def test_options_are_laid_out(small: mp.Profile, kind: str, options: dict[str, str]) -> None:
    figure = plots.figure(small, kind, **options)
    assert_apart(figure)
    assert_inside(figure)


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("kind", KINDS)
def test_texts_stand_out_from_what_they_are_on(small: mp.Profile, kind: str, sheet: str) -> None:
    with style.context(SHEETS[sheet]):
        figure = plots.figure(small, kind)
        numbers = set(figure.axes[0].texts) if kind == "heatmap" else set()
        assert shown_texts(figure)
        for text, _ in shown_texts(figure):
            if text not in numbers:
                assert contrast(text.get_color(), figure.get_facecolor()) > 7
    if kind == "heatmap":
        mesh = figure.axes[0].collections[0]
        values = np.delete(mesh.get_array(), -2, axis=1).ravel()
        for text, value in zip(figure.axes[0].texts, values, strict=True):
            assert contrast(text.get_color(), mesh.to_rgba(value)) > 4.5


@pytest.mark.parametrize("sheet", SHEETS)
def test_colours_stand_out_and_come_with_a_shape(sheet: str) -> None:
    with style.context(SHEETS[sheet]):
        ax = mpl.figure.Figure().add_subplot()
        for colour in palette(ax):
            assert contrast(colour, ground(ax)) > 3
    for shapes in (MARKERS, LINES):
        looks = [(n % len(palette(ax)), n % len(shapes)) for n in range(11)]
        assert len(set(looks)) == 11, "one for every role"
        assert len(set(map(str, shapes))) == len(shapes)


def test_a_transparent_ground_goes_by_the_text() -> None:
    for text, expected in (("white", "black"), ("black", "white")):
        bare = {"text.color": text, "axes.facecolor": "none", "figure.facecolor": "none"}
        with mpl.rc_context(bare):
            ax = mpl.figure.Figure().add_subplot()
            assert to_rgba(ground(ax)) == to_rgba(expected)


def test_large_text_of_the_style_is_laid_out(deep: Callable[[int], mp.Profile]) -> None:
    with mpl.rc_context({"font.size": 13}):
        assert KINDS
        for kind in KINDS:
            assert_apart(plots.figure(deep(48), kind))


def test_long_names_are_shortened() -> None:
    values = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float32)
    names = [f"some.very.long.prefix.of.a.module.{n}.with.an.even.longer.name" for n in range(60)]
    profile = mp.profile(dict.fromkeys(names, values), granularity="tensor", progress=False)
    figure = plots.figure(profile)
    assert_apart(figure)
    assert_inside(figure)
    assert figure.axes[0].get_window_extent().width > 200


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([2.0, 8.0], [2.0, 8.0]),
        ([5.0, 5.0], [4.5, 5.5]),
        ([9.9, 10.0], [9.0, 10.0]),
        ([0.0, 0.0, 0.5], [0.0, 1.0, 2.0]),
    ],
)
def test_spread(wanted: list[float], expected: list[float]) -> None:
    assert spread(wanted, 1.0, 0.0, 10.0) == pytest.approx(expected)


def test_spread_keeps_order_and_gaps() -> None:
    rng = np.random.default_rng(3)
    for count in (2, 7, 20, 60):
        wanted = rng.uniform(-2, 12, count).tolist()
        placed = spread(wanted, 0.4, 0.0, 10.0)
        assert sorted(range(count), key=wanted.__getitem__) == np.argsort(placed).tolist()
        gap = min(0.4, 10 / (count - 1))
        assert np.diff(np.sort(placed)).min() >= gap - 1e-9
        assert min(placed) >= -1e-9
        assert max(placed) <= 10 + 1e-9


def test_all_kinds_on_the_axes_of_one_figure(deep: Callable[[int], mp.Profile]) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(18, 11), layout="constrained")
    for kind, ax in zip(KINDS, axes.flat, strict=True):
        plots.draw(deep(48), kind, ax=ax)
    assert_apart(figure)
    assert_inside(figure)
