"""Fragments stand in notebooks that are not ours: valid, harmless, contained, accessible."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from html_tree import Node, parse

import meadow_py as mp
from meadow_py.views.html.style import FRAGMENT

# Of those that JupyterLab's sanitizer lets through in notebooks that are not trusted.
ALLOWED = {
    *("br", "caption", "dd", "details", "div", "dl", "dt", "i", "p", "span", "summary"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr"),
}
ALLOWED_ATTRIBUTES = {"class", "lang", "open", "scope", "style"}


@pytest.fixture(scope="module", params=["profile", "sweep", "one weight"])
def result(request: pytest.FixtureRequest, made: mp.Profile, swept: mp.Sensitivity) -> object:
    if request.param == "one weight":
        return mp.profile({"a": np.eye(8, dtype=np.float32)}, granularity="tensor")
    return made if request.param == "profile" else swept


@pytest.fixture(scope="module")
def fragment(result: Any) -> str:
    html: str = result._repr_html_()
    return html


@pytest.fixture(scope="module")
def tree(fragment: str) -> Node:
    return parse(fragment)


def test_there_is_one_root(tree: Node) -> None:
    (root,) = [child for child in tree.children if isinstance(child, Node)]
    assert (root.tag, root.attributes["lang"]) == ("div", "en")
    assert not "".join(child for child in tree.children if isinstance(child, str)).strip()


def test_a_sanitizer_removes_the_style_and_nothing_else(tree: Node) -> None:
    nodes = [node for node in tree.walk() if node.tag]
    assert {node.tag for node in nodes} - ALLOWED == {"style"}
    assert len(tree.all("style")) == 1
    assert {name for node in nodes for name in node.attributes} <= ALLOWED_ATTRIBUTES
    inline = [node.attributes["style"] or "" for node in nodes if "style" in node.attributes]
    assert inline
    assert all(re.fullmatch(r"width:\d+px", rule) for rule in inline)


def test_nothing_is_run_and_nothing_is_fetched(fragment: str) -> None:
    assert not re.search(r"<script|javascript:|https?:|//|@import|url\(|\son\w+=", fragment)


def test_the_style_holds_on_to_the_fragment(tree: Node) -> None:
    classes = {c for n in tree.walk() for c in (n.attributes.get("class") or "").split()}
    assert all(c.startswith(("meadow-", "tex2jax_", "mathjax_")) for c in classes)
    rules = re.sub(r"@media[^{]*\{", "", FRAGMENT)
    selectors = [part.rpartition("}")[2] for part in rules.split("{")[:-1]]
    assert len(selectors) > 20
    for selector in selectors:
        assert all(one.strip().startswith(".meadow-view") for one in selector.split(","))


def test_every_class_with_a_look_is_used(made: mp.Profile, swept: mp.Sensitivity) -> None:
    simulated = mp.simulate("opt-125m", device="zcu102", prompt=16)
    trees = [parse(one._repr_html_()) for one in (made, swept, simulated, mp.claims())]
    used = {c for t in trees for n in t.walk() for c in (n.attributes.get("class") or "").split()}
    assert set(re.findall(r"\.(meadow-[a-z-]+)", FRAGMENT)) <= used


def test_tables_can_be_read_aloud(tree: Node) -> None:
    assert tree.all("table")
    for table in tree.all("table"):
        first, *_ = [child for child in table.children if isinstance(child, Node)]
        assert first.tag == "caption"
        assert first.text
        headings = table.all("thead")[0].all("th")
        assert all(th.attributes["scope"] == "col" and th.text for th in headings)
        for row in [row for part in table.all("tbody", "tfoot") for row in part.all("tr")]:
            cells = row.all("th", "td")
            assert [cell.tag for cell in cells] == ["th"] + ["td"] * (len(headings) - 1)
            assert cells[0].attributes["scope"] == "row"
            assert all(cell.text for cell in cells)


def test_captions_tell_tables_apart(tree: Node) -> None:
    captions = [table.all("caption")[0].text for table in tree.all("table")]
    assert len(set(captions)) == len(captions)


def test_the_answer_comes_first_and_long_parts_are_folded(tree: Node, result: object) -> None:
    order = [node for node in tree.walk() if node.tag in ("p", "table", "details")]
    assert order[0].attributes["class"] == "meadow-title"
    assert order[1].attributes["class"] == "meadow-headline"
    folds = [n for n in tree.children[0].children if isinstance(n, Node) and n.tag == "details"]
    assert [("open" in fold.attributes) for fold in folds].count(True) == 1
    assert all(fold.all("summary")[0].text for fold in folds)
    inside = {id(node) for fold in folds for node in fold.walk()}
    outside = [table for table in tree.all("table") if id(table) not in inside]
    assert len(outside) <= 1


def test_colour_is_never_alone(tree: Node) -> None:
    assert tree.all("i")
    for bar in tree.all("i"):
        assert bar.attributes["class"] in ("meadow-smaller", "meadow-larger")
    for cell in tree.of_class("meadow-ratio"):
        (bar,) = cell.all("i")
        value = float(cell.text.rstrip("x"))
        width = int(re.findall(r"\d+", bar.attributes["style"] or "")[0])
        smaller = bar.attributes["class"] == "meadow-smaller"
        assert smaller == (value > 1) or cell.text == "1.00x"
        assert (width <= 40) if smaller else (40 <= width <= 60)
