"""Text out of files is text in HTML, whatever it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from html_results import HOSTILE, page
from html_tree import Node, captioned, parse, rows

import meadow_py as mp
from meadow_py.spelling import visible
from meadow_py.views.html import profile_html, sensitivity_html
from meadow_py.views.html.markup import Markup, element, text

View = Callable[[mp.Profile], str]


def of_sweep(profile: mp.Profile) -> str:
    return sensitivity_html(mp.Sensitivity(profile))


def skeleton(tree: Node) -> list[tuple[str, tuple[str, ...]]]:
    """All tags and the names of their attributes."""
    return [(node.tag, tuple(node.attributes)) for node in tree.walk()]


@pytest.mark.parametrize("view", [profile_html, of_sweep])
def test_hostile_names_make_no_tag_and_no_attribute(
    view: View, made: mp.Profile, hostile: mp.Profile
) -> None:
    assert skeleton(parse(view(hostile))) == skeleton(parse(view(made)))


@pytest.mark.parametrize("view", [profile_html, of_sweep, page])
def test_hostile_names_are_shown(view: View, hostile: mp.Profile) -> None:
    tree = parse(view(hostile))
    (title,) = tree.of_class("meadow-title")
    assert title.text == visible(HOSTILE)
    names = {row[0] for table in captioned(tree, "By weight") for row in rows(table)}
    assert names == {f"{n}{visible(HOSTILE)}" for n in range(len(hostile.weights))} | {"all"}


@pytest.mark.parametrize("view", [profile_html, of_sweep, page])
def test_nothing_invisible_is_left(view: View, hostile: mp.Profile) -> None:
    assert all(line.isprintable() for line in view(hostile).split("\n"))


def test_a_report_of_hostile_names_has_the_tags_of_reports(
    made: mp.Profile, hostile: mp.Profile
) -> None:
    found, known = parse(page(hostile)), parse(page(made))
    assert {tag for tag, _ in skeleton(found)} <= {tag for tag, _ in skeleton(known)}
    assert not found.all("script", "img", "iframe", "object", "embed", "foreignobject", "a")
    assert len(found.all("title")) == len(known.all("title"))


def test_dollar_signs_are_no_formulas(made: mp.Profile) -> None:
    """MathJax leaves elements of these classes alone: version 2 the one, 3 the other."""
    (root,) = parse(profile_html(made)).of_class("meadow-view")
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set((root.attributes["class"] or "").split())


def test_text_is_escaped_once() -> None:
    said = "<b> & \"c\" 'd' \u202e"
    once = text(said)
    assert once == "&lt;b&gt; &amp; &quot;c&quot; &#x27;d&#x27; \\u202e"
    assert text(once) == once
    assert element("p", said, once) == f"<p>{once}{once}</p>"
    assert Markup("<p>") + said == f"<p>{once}"
    assert element("p", title=said) == f'<p title="{once}"></p>'
