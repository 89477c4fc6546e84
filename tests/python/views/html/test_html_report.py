"""The page of `meadow report`: whole, self-contained, and the same for the same result."""

from __future__ import annotations

import builtins
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import pytest
from html_results import page
from html_tree import Node, captioned, parse, rows

import meadow_py as mp
from meadow_py.views.html import report
from meadow_py.views.html.style import PAGE
from meadow_py.views.plots import KINDS

POINTERS = {"action", "data", "formaction", "href", "poster", "src", "srcset", "xlink:href"}


@pytest.fixture(scope="module", params=["profile", "sweep", "hostile"])
def text(
    request: pytest.FixtureRequest,
    made: mp.Profile,
    swept: mp.Sensitivity,
    hostile: mp.Profile,
) -> str:
    return page({"profile": made, "sweep": swept, "hostile": hostile}[request.param])


@pytest.fixture(scope="module")
def tree(text: str) -> Node:
    return parse(text)


def test_it_is_a_document(text: str, tree: Node) -> None:
    assert text.startswith("<!DOCTYPE html>\n")
    (root,) = [child for child in tree.children if isinstance(child, Node)]
    assert (root.tag, root.attributes["lang"]) == ("html", "en")
    assert [node.tag for node in root.children if isinstance(node, Node)] == ["head", "body"]
    assert tree.all("meta")[0].attributes == {"charset": "utf-8"}
    assert text.index("charset") < 1024  # browsers look no further
    (title,) = tree.all("title")
    assert title.text == f"{tree.all('h1')[0].text} - meadow_py"
    assert [heading.text for heading in tree.all("h2")] == [
        "Plots",
        "Tables",
        "How to read this",
        "Settings and host",
    ]


def test_its_policy_forbids_scripts_and_the_network(tree: Node) -> None:
    (policy,) = [m for m in tree.all("meta") if "http-equiv" in m.attributes]
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    rules = dict(rule.split(" ", 1) for rule in (policy.attributes["content"] or "").split("; "))
    assert rules.pop("default-src") == "'none'"
    assert rules == {
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_it_points_at_nothing_outside(text: str, tree: Node) -> None:
    attributes = [(name, value) for n in tree.walk() for name, value in n.attributes.items()]
    pointers = [value or "" for name, value in attributes if name in POINTERS]
    assert all(value.startswith(("#", "data:")) for value in pointers)
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert all(place.startswith("#") for place in re.findall(r"url\(([^)]*)", text))
    assert "@import" not in text
    addresses = {value for name, value in attributes if "http" in (value or "")}
    assert {name for name, value in attributes if value in addresses} <= {"xmlns", "xmlns:xlink"}


def test_ids_are_unique_and_known(tree: Node) -> None:
    ids = [node.attributes["id"] for node in tree.walk() if "id" in node.attributes]
    assert len(set(ids)) == len(ids)
    used = [
        n.attributes[a] for n in tree.walk() for a in ("href", "xlink:href") if a in n.attributes
    ]
    assert {name[1:] for name in used if name and name.startswith("#")} <= set(ids)


def test_every_plot_is_there_light_and_dark_and_explained(tree: Node) -> None:
    figures = tree.all("figure")
    assert len(figures) == len(KINDS)
    for figure, kind in zip(figures, KINDS.values(), strict=True):
        (light,), (dark,) = figure.of_class("meadow-light"), figure.of_class("meadow-dark")
        assert len(light.all("svg")) == len(dark.all("svg")) == 1
        assert light.text != ""
        (caption,) = figure.all("figcaption")
        assert caption.text == f"{kind.title}. {kind.description}"


def test_every_class_of_the_page_is_used(tree: Node) -> None:
    used = {c for n in tree.walk() for c in (n.attributes.get("class") or "").split()}
    assert set(re.findall(r"\.(meadow-[a-z]+)", PAGE)) <= used


def test_settings_and_host_are_told(made: mp.Profile) -> None:
    (table,) = captioned(parse(page(made)), "How it was made")
    told = dict(rows(table))
    assert told["bits"] == "8, 4"
    assert told["scales"] == "tensor, row, group:128"
    assert told["chunk sizes"] == "1, 2, 3, 4, 6, 8"
    assert told["verified"] == "every stream decoded and compared"
    assert told["instruction set"] == made.host.isa
    assert told["made with"] == f"meadow_py {mp.__version__}"
    assert {f"seconds: {stage}" for stage in made.seconds} <= set(told)


def test_the_same_result_gives_the_same_page(made: mp.Profile) -> None:
    assert report(made) == page(made)


def test_a_plot_that_an_older_file_lacks_data_for_says_so(made: mp.Profile) -> None:
    one = made.weights[0]
    old = dataclasses.replace(made, weights=(dataclasses.replace(one, values=None),))
    notes = [n.text for f in parse(report(old)).all("figure") for n in f.of_class("meadow-note")]
    assert len(notes) == 1
    assert notes[0].startswith("Not drawn: ")


def test_without_matplotlib_it_says_what_to_install(
    made: mp.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        scope = rest[0] if rest else None
        if name.partition(".")[0] == "matplotlib" and isinstance(scope, Mapping):
            raise ImportError("No module named 'matplotlib'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match="pip install"):
        report(made)
