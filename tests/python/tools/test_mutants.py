"""Every loader of JSON or TOML, given documents with one wrong place."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
EACH, PLOTTED = 300, 30  # the command `tools/mutants.py` takes 10,000

# Loaders that do not yet refuse every wrong document as promised. A loader that begins to do so
# fails this test until it is removed from here.
EXPECTED_TO_FAIL = {
    "config-to-run": "messages name a size by our name, not by its key",
    "config-to-simulate": "huge sizes; messages name a size by our name",
}


def tool(name: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        return importlib.import_module(name)


LOADERS = tuple(tool("mutation.loaders").LOADERS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(reason=why, raises=AssertionError))
        if (why := EXPECTED_TO_FAIL.get(name))
        else name
        for name in LOADERS
    ],
)
def test_wrong_documents_are_refused_with_the_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    found = tool("mutants").examine(name, tmp_path, EACH, PLOTTED)
    first = next(found, None)  # the first is enough for a loader that is expected to fail
    assert first is None or name not in EXPECTED_TO_FAIL
    findings = [] if first is None else [first, *found]
    assert [f"{finding.mutant}: {finding.said}" for finding in findings] == []


def test_what_is_expected_to_fail_exists() -> None:
    assert set(EXPECTED_TO_FAIL) <= set(LOADERS)


def test_every_place_is_changed_before_any_is_changed_again() -> None:
    changes = tool("mutation.changes")
    document = {"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}], "d": {"e": None}}
    expected = {"a", "a[*]", "a[*].b", "a[*].c", "d", "d.e"}
    made = changes.mutants(document, "seed")
    first = [next(made) for _ in expected]
    assert {changes.general(mutant.path) for mutant in first} == expected
    assert all(mutant.document != document for mutant in first)
    assert document == {"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}], "d": {"e": None}}


def test_what_json_types_cannot_express() -> None:
    changes = tool("mutation.changes")
    twice = changes.changed({"a": 1}, ("a",), changes.CHANGES["repeated"])
    assert changes.to_json(twice).count('"a"') == 2
    deep = changes.changed({"a": 1}, ("a",), changes.CHANGES["deep nesting"])
    assert "[" * 1000 in changes.to_json(deep)
    assert changes.to_toml({"a": {"b": [1.5, float("inf")]}}) == '"a" = {"b" = [1.5, inf]}\n'


def test_the_judge_finds_what_loaders_do_wrong(tmp_path: Path) -> None:
    """A loader of one number, wrong in each way that is looked for."""
    import json

    loaders, mutants = tool("mutation.loaders"), tool("mutants")

    def careless(text: str) -> Any:
        value = json.loads(text)["seconds"]
        if isinstance(value, str):
            raise ValueError("damaged")
        if isinstance(value, list):
            raise IndexError(value)
        return value

    def shown(made: Any) -> None:
        json.dumps(made, allow_nan=False)

    made = loaders.Loader({"seconds": 1.5}, careless, shown=shown)
    loaders.LOADERS["careless"] = lambda _: made
    try:
        said = {
            finding.said.split(":")[0] for finding in mutants.examine("careless", tmp_path, 30, 0)
        }
    finally:
        del loaders.LOADERS["careless"]
    assert {"no path in the message", "load raises IndexError", "shown raises ValueError"} <= said
