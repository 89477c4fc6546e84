"""What callers rely on: axes, figures, files, pages, and errors that say what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import meadow_py as mp
from meadow_py.views import plots

KINDS = tuple(plots.KINDS)
MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.fixture(autouse=True)
def _never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(*args: Any, **options: Any) -> None:
        raise AssertionError("a plot called show()")

    monkeypatch.setattr(pyplot, "show", shown)
    monkeypatch.setattr(mpl.figure.Figure, "show", shown)


def state(figure: mpl.figure.Figure) -> dict[str, Any]:
    return {
        "size": tuple(figure.get_size_inches()),
        "texts": [text.get_text() for text in figure.texts],
        "legends": list(figure.legends),
        "layout": figure.get_layout_engine(),
        "colour": figure.get_facecolor(),
        "suptitle": figure.get_suptitle(),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_one_figure_of_pyplot(small: mp.Profile, kind: str) -> None:
    ax = small.plot(kind)
    assert isinstance(ax, mpl.axes.Axes)
    assert pyplot.get_fignums() == [ax.figure.number]
    assert ax.get_title()
    assert ax.get_xlabel()
    assert ax.get_ylabel()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_given_axes_and_nothing_else(small: mp.Profile, kind: str, layout: str | None) -> None:
    figure, (mine, other) = pyplot.subplots(1, 2, figsize=(14, 6), layout=layout)
    other.plot([1, 2], [3, 4])
    pyplot.sca(other)
    rc, before = dict(mpl.rcParams), state(figure)
    untouched = other.get_position().bounds, other.get_xlim(), other.get_ylim()
    assert small.plot(kind, ax=mine) is mine
    assert state(figure) == before
    assert dict(mpl.rcParams) == rc
    assert (other.get_position().bounds, other.get_xlim(), other.get_ylim()) == untouched
    assert pyplot.gca() is other
    assert pyplot.get_fignums() == [figure.number]
    bars = [ax for ax in figure.axes if ax not in (mine, other)]
    assert len(bars) == (kind == "heatmap"), "only a colour bar is added"
    for bar in bars:
        box, neighbour = bar.get_position(), other.get_position()
        assert box.x1 < neighbour.x0 or box.x0 > neighbour.x1


def test_a_figure_that_pyplot_does_not_know(small: mp.Profile) -> None:
    figure = plots.figure(small, "growth")
    assert pyplot.get_fignums() == []
    assert len(figure.axes) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_axes_in_a_part_of_a_figure(small: mp.Profile, tmp_path: Path, kind: str) -> None:
    figure = pyplot.figure(figsize=(14, 6), layout="constrained")
    left, right = figure.subfigures(1, 2)
    ax = left.subplots()
    other = right.subplots()
    small.plot(kind, ax=ax)
    plots.save(ax, tmp_path / "whole.png")
    assert figure.axes[0] is ax
    assert right.axes == [other]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", plots.FORMATS)
def test_saved_twice_the_same(small: mp.Profile, tmp_path: Path, kind: str, suffix: str) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix.upper()}"
    plots.save(plots.figure(small, kind), first)
    plots.save(small.plot(kind), str(second))
    content = first.read_bytes()
    assert content.startswith(MAGIC[suffix])
    assert content == second.read_bytes()
    assert len(content) < 700_000
    assert b"CreationDate" not in content
    assert b"dc:date" not in content
    assert sorted(tmp_path.iterdir()) == [first, second]


@pytest.mark.parametrize("name", ["plot", "plot.jpg", "plot.png.gz", ".png", "plot.svg "])
def test_other_suffixes(small: mp.Profile, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"a plot is written as \.png, \.svg, \.pdf"):
        plots.save(small.plot(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written(small: mp.Profile, tmp_path: Path) -> None:
    ax = small.plot("growth")
    with pytest.raises(FileNotFoundError, match=r"plot\.png"):
        plots.save(ax, tmp_path / "missing" / "plot.png")
    ax.remove()
    with pytest.raises(ValueError, match="no longer part of a figure"):
        plots.save(ax, tmp_path / "plot.png")


@pytest.mark.parametrize("dark", [False, True])
def test_svgs_of_a_page(deep: Callable[[int], mp.Profile], dark: bool) -> None:
    profile = deep(200)
    made = [plots.svg(profile, kind, dark=dark) for kind in KINDS]
    made += [plots.svg(profile, "heatmap", dark=not dark)]
    ids: list[str] = []
    for text in made:
        root = ET.fromstring(text)
        own = {element.get("id") for element in root.iter()} - {None}
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
        assert used <= own, "a reference leads nowhere, or into another figure"
        ids += own
        assert len(text) < 250_000
        assert "<text" in text
        assert "<metadata" not in text
        (rule,) = re.findall(r"<style>(.*?)\{", text)
        assert rule.startswith(f"#{root.get('id')} ")
    assert len(ids) == len(set(ids)), "two elements of a page have one id"
    assert pyplot.get_fignums() == []
    assert plots.svg(profile, KINDS[0], dark=dark) == made[0]


def test_svg_does_not_change_the_style(small: mp.Profile) -> None:
    with mpl.rc_context({"font.size": 11.5}):
        before = dict(mpl.rcParams)
        plots.svg(small, "growth", dark=True)
        assert dict(mpl.rcParams) == before


def test_names_are_shown_letter_by_letter(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    names = ["$x_1$", r"a\$b$", "<b id='x'>&amp;</b>", "\x1b[31mred", "a_{b}^c"]
    profile = mp.profile(dict.fromkeys(names, values), granularity="tensor", progress=False)
    profile = replace(profile, model=replace(profile.model, source="models/$\\frac{$ & <i>"))
    drawn = ET.fromstring(plots.svg(profile, "heatmap"))
    texts = ["".join(element.itertext()) for element in drawn.iter() if "text" in element.tag]
    for name in (*names[:3], r"\x1b[31mred", names[4]):
        assert name in texts
    assert any(text.startswith("$\\frac{$ & <i>") for text in texts)
    for kind in KINDS:
        for name in names if kind in ("values", "growth") else [None]:
            options = {} if name is None else {"weight": name}
            plots.save(plots.figure(profile, kind, **options), tmp_path / "plot.png")
    with mpl.rc_context({"text.parse_math": False}):
        labels = plots.draw(profile).get_yticklabels()
    assert labels[0].get_text() == "$x_1$"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("heat-map", {}, r"no kind of plot 'heat-map': did you mean 'heatmap'\?"),
        (3, {}, "no kind of plot 3: there is 'heatmap', 'bytes'"),
        ("growth", {"granularty": "row"}, r"no option of the growth plot .* mean 'granularity'\?"),
        ("rate-distortion", {"bits": 8}, "there is 'codec', 'role'"),
        ("heatmap", {"bits": 5}, "no setting with bits=5 .* there is INT8 tensor, INT8 row"),
        ("heatmap", {"bits": 4, "granularity": "group:9"}, "bits=4, granularity='group:9'"),
        ("bytes", {"codec": "rANS"}, "there is 'best', 'naive', 'packets', 'reindexed'"),
        ("bytes", {"unit": "bits"}, "there is 'bytes', 'b/w'"),
        ("ratio", {"role": "attention.w"}, "did you mean 'attention.v'"),
        ("values", {"weight": "model.layers.0.self_attn.q.weight"}, "q_proj.weight'"),
        ("values", {"weight": "x", "role": "mlp"}, "role and weight were both given"),
        ("growth", {"weight": "\x1b[2J"}, r"no weight '\\x1b\[2J'"),
    ],
)
def test_errors_name_what_there_is(
    small: mp.Profile, kind: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        small.plot(kind, **options)
    assert pyplot.get_fignums() == [], "no empty figure is left"


def test_weights_that_have_another_setting() -> None:
    codes = np.random.default_rng(0).integers(-20, 20, (16, 16)).astype(np.int8)
    mixed = {"codes": codes, "model.layers.0.mlp.up_proj.weight": codes.astype(np.float32)}
    profile = mp.profile(mixed, granularity="tensor", progress=False)
    with pytest.raises(ValueError, match="codes of INT8 stored: there is INT8 tensor"):
        profile.plot("growth", weight="model.layers.0.mlp.up_proj.weight", granularity="stored")
    with pytest.raises(ValueError, match=r"no weight of role 'mlp\.up' has codes of INT8 stored"):
        profile.plot("heatmap", granularity="stored", role="mlp.up")
    for kind in KINDS:
        assert profile.plot(kind).get_title()


def test_kinds_describe_themselves() -> None:
    assert KINDS == ("heatmap", "bytes", "ratio", "rate-distortion", "values", "growth")
    for kind in plots.KINDS.values():
        assert kind.title
        assert kind.description.endswith(".")
        assert "role" in kind.options


def test_matplotlib_is_imported_when_something_is_drawn(small: mp.Profile, tmp_path: Path) -> None:
    small.save(tmp_path / "p.json")
    program = (
        "import sys, meadow_py as mp, meadow_py.views.plots as plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        f"profile = mp.Profile.load({str(tmp_path / 'p.json')!r})\n"
        "for draw in (profile.plot, lambda: plots.svg(profile), lambda: plots.figure(profile)):\n"
        "    try: draw()\n"
        "    except ImportError as error: assert 'pip install matplotlib' in str(error)\n"
        "    else: raise SystemExit('drawn without matplotlib')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_figures_without_pyplot(small: mp.Profile, tmp_path: Path) -> None:
    small.save(tmp_path / "p.json")
    program = (
        "import sys, meadow_py as mp, meadow_py.views.plots as plots\n"
        f"profile = mp.Profile.load({str(tmp_path / 'p.json')!r})\n"
        f"plots.save(plots.figure(profile), {str(tmp_path / 'p.png')!r})\n"
        "plots.svg(profile, 'bytes')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
