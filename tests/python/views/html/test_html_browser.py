"""A real browser opens the report: it renders, says nothing, and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Site, executable, screenshot, site, visit
from html_results import HOSTILE, page
from html_tree import parse

import meadow_py as mp
from meadow_py.spelling import visible
from meadow_py.views.html import profile_html

# What the report must not do, so that it is known to be noticed.
BAD_PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>bad</title>
<img src="/fetched.png"><img src="http://elsewhere.invalid/x.png">
<script>console.error("said")</script>"""
BLOCKED_PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>blocked</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<img src="/fetched.png"><script>document.title = "ran"</script>"""


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory,
    made: mp.Profile,
    swept: mp.Sensitivity,
    hostile: mp.Profile,
) -> Iterator[Site]:
    executable()  # or skip, before the work
    folder = tmp_path_factory.mktemp("site")
    (policy,) = [m for m in parse(page(made)).all("meta") if "http-equiv" in m.attributes]
    for name, content in {
        "profile.html": page(made),
        "sweep.html": page(swept),
        "hostile.html": page(hostile),
        "fragment.html": f'<!DOCTYPE html><meta charset="utf-8">{profile_html(hostile)}',
        "bad.html": BAD_PAGE,
        "blocked.html": BLOCKED_PAGE.format(policy=policy.attributes["content"]),
    }.items():
        (folder / name).write_text(content, encoding="utf-8")
    with site(folder) as served:
        yield served


def test_what_must_not_happen_would_be_noticed(pages: Site, tmp_path: Path) -> None:
    seen = visit(pages, "bad.html", tmp_path)
    assert any("said" in line for line in seen.console)
    assert "/fetched.png" in pages.asked
    assert {pages.url("fetched.png"), "http://elsewhere.invalid/x.png"} <= set(seen.fetched)


@pytest.mark.parametrize("name", ["profile.html", "sweep.html", "hostile.html"])
def test_a_report_says_nothing_and_fetches_nothing(pages: Site, tmp_path: Path, name: str) -> None:
    pages.asked.clear()
    seen = visit(pages, name, tmp_path)
    assert seen.console == ()
    assert seen.fetched == ()
    assert pages.asked == [f"/{name}"]
    tree = parse(seen.dom)
    assert tree.all("h1")[0].text
    assert not tree.all("script")


def test_names_are_text_to_a_browser(pages: Site, tmp_path: Path) -> None:
    for name in ("hostile.html", "fragment.html"):
        seen = visit(pages, name, tmp_path)
        tree = parse(seen.dom)
        assert tree.of_class("meadow-title")[0].text == visible(HOSTILE)
        assert not tree.all("script", "img", "iframe")
        assert seen.console == ()


def test_the_policy_of_a_report_forbids_scripts_and_fetching(pages: Site, tmp_path: Path) -> None:
    pages.asked.clear()
    seen = visit(pages, "blocked.html", tmp_path)
    assert pages.asked[0] == "/blocked.html"
    assert "/fetched.png" not in pages.asked
    assert any("Content Security Policy" in line for line in seen.console)
    assert "<title>blocked</title>" in seen.dom


@pytest.mark.parametrize("width", [400, 1400])
def test_a_report_is_drawn_light_and_dark(pages: Site, tmp_path: Path, width: int) -> None:
    light = pixels(screenshot(pages, "profile.html", tmp_path, width=width))
    dark = pixels(screenshot(pages, "profile.html", tmp_path, width=width, dark=True))
    assert light.shape == dark.shape
    assert np.median(light) > 0.95
    assert np.median(dark) < 0.15
    for picture in (light, dark):  # bars: blue at least
        assert (picture[..., 2] - picture[..., 0] > 0.3).sum() > 100


def pixels(path: Path) -> np.ndarray:
    """Red, green and blue from 0 to 1, rows from the top."""
    image = pytest.importorskip("matplotlib.image")
    return np.asarray(image.imread(path))[..., :3]
