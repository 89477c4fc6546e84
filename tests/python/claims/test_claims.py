"""Every claim that needs only the demo, and what is recorded of all."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.claims.claim import VERDICTS, Rule, around, at_least, at_most, between
from meadow_py.claims.meadow.figure_10a import engineered, sorted_first
from meadow_py.claims.registry import CLAIMS

REFUTED_ON_DEMO = {
    "post-sweet-spot",
    "post-40-percent",
    "post-small-chunks",
    "huff-llm-size-f16",
    "huff-llm-area-vector",
}
WITHOUT_DATA = {
    "meadow-4a-reduction",
    "meadow-4a-worked-layer",
    "meadow-10a-real",
    "meadow-8",
    "meadow-9",
    "meadow-11",
    "meadow-accuracy",
    "meadow-power",
}


def test_every_claim_is_decided_or_says_what_it_needs(of_demo: mp.Claims) -> None:
    assert [row.id for row in of_demo] == [claim.id for claim in CLAIMS]
    assert {row.id for row in of_demo if row.verdict is None} == WITHOUT_DATA
    assert {row.id for row in of_demo if row.verdict == "refuted"} == REFUTED_ON_DEMO
    assert {row.id for row in of_demo if row.verdict == "reproduced"} == {"meadow-10a-naive"}
    for row in of_demo:
        assert (row.ours is None) == (row.value is None) == (row.verdict is None)
        assert row.needs
        assert row.verdict != "reproduced" or not row.stands_in


def test_verdicts_follow_from_the_stated_rules(of_demo: mp.Claims) -> None:
    by_id = {claim.id: claim for claim in CLAIMS}
    decided = [row for row in of_demo if row.value is not None]
    assert len(decided) == len(CLAIMS) - len(WITHOUT_DATA)
    for row in decided:
        rule = by_id[row.id].rule
        assert rule is not None
        assert row.verdict == rule.verdict(row.value, bool(row.stands_in))
        assert row.rule == str(rule)


def test_figures_by_hand(of_demo: mp.Claims) -> None:
    chunks = 768 * 3072 // 2
    naive = 16 * chunks / (11 * chunks + 16 * 1272)
    assert of_demo["meadow-10a-naive"].value == pytest.approx(naive, rel=1e-12)
    # Nothing but the demo's own bits: what BF16 takes, and what it saves.
    taken, saved = of_demo["zipnn-bf16"].value, of_demo["huff-llm-size"].value
    assert taken is not None
    assert saved is not None
    assert taken + saved == pytest.approx(1)


def test_the_engineered_layer_has_1272_pairs_in_sorted_order() -> None:
    layer = engineered(4, np.random.default_rng(3))
    assert layer.shape == (768, 3072)
    ordered = sorted_first(layer)
    for codes in (layer, ordered):
        assert len(np.unique(codes.reshape(-1, 2), axis=0)) == 1272
    first = ordered.reshape(-1, 2)[:1272]
    assert np.array_equal(first, np.unique(first, axis=0))
    assert np.array_equal(np.sort(ordered, axis=None), np.sort(layer, axis=None))


@pytest.mark.parametrize(
    ("rule", "value", "stands_in", "verdict"),
    [
        (around(2.0, "x"), 2.1, False, "reproduced"),
        (around(2.0, "x"), 2.1, True, "approximated"),
        (around(2.0, "x"), 2.2, False, "approximated"),
        (around(2.0, "x"), 2.4, False, "refuted"),
        (between(1.0, 2.0, "x"), 2.0, False, "reproduced"),
        (between(1.0, 2.0, "x"), 0.95, False, "approximated"),
        (between(1.0, 2.0, "x"), 0.5, True, "refuted"),
        (at_least(0.5, "%"), 9.0, False, "reproduced"),
        (at_least(0.5, "%"), 0.4, False, "refuted"),
        (at_most(0.06, "%"), 0.0, False, "reproduced"),
        (at_most(0.06, "%"), 0.07, False, "refuted"),
    ],
)
def test_rules(rule: Rule, value: float, stands_in: bool, verdict: str) -> None:
    assert rule.verdict(value, stands_in) == verdict


def test_each_claim_has_a_source_a_page_and_a_rule_if_it_is_computed() -> None:
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS) > 30
    for claim in CLAIMS:
        assert re.fullmatch(r"[a-z0-9.-]{1,24}", claim.id)
        assert (claim.rule is None) == (claim.compute is None)
        assert claim.claim.endswith((".", "?"))
        assert claim.page
        assert claim.published
        assert claim.source.reference
        if claim.rule is not None:
            (low, high), (least, most) = claim.rule.reproduced, claim.rule.approximated
            assert least <= low <= high <= most


def test_all_claims_are_recorded_with_commit_cpu_date_and_command() -> None:
    found = mp.claims()
    assert [row.id for row in found] == [claim.id for claim in CLAIMS]
    decided = [row for row in found if row.verdict]
    assert len(decided) > 30
    for row in decided:
        assert re.fullmatch(r"[0-9a-f]{7,40}", row.commit or "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row.date or "")
        assert row.cpu
        assert row.command.startswith(f"meadow claims --run {row.id}")
    # A rule, sentence or published figure that changed since needs a new record.
    rules = {claim.id: str(claim.rule or "") for claim in CLAIMS}
    assert {row.id: row.rule for row in found} == rules
    assert {row.id: row.claim for row in found} == {claim.id: claim.claim for claim in CLAIMS}


def test_what_needs_no_weights_is_as_recorded(of_demo: mp.Claims) -> None:
    found = mp.claims()
    same = [row for row in of_demo if row.verdict and row.needs.startswith("nothing")]
    assert len(same) > 15
    for row in same:
        assert row.value == pytest.approx(found[row.id].value, rel=1e-9), row.id
        assert row.verdict == found[row.id].verdict


def test_some_claims_alone() -> None:
    found = mp.claims("meadow-12-bandwidth", "meadow-10a-naive", run=True)
    assert [row.id for row in found] == ["meadow-10a-naive", "meadow-12-bandwidth"]
    assert all(row.commit is None for row in found)
    with pytest.raises(ValueError, match="meadow-99"):
        mp.claims("meadow-99")
    with pytest.raises(ValueError, match="run=True"):
        mp.claims(model="somewhere")
    with pytest.raises(KeyError):
        found["meadow-8"]


def test_json_there_and_back(of_demo: mp.Claims, tmp_path: Path) -> None:
    of_demo.save(tmp_path / "claims.json")
    assert mp.Claims.load(tmp_path / "claims.json") == of_demo
    data = json.loads((tmp_path / "claims.json").read_text())
    assert data == of_demo.to_dict()
    assert (data["version"], data["kind"]) == (1, "claims")
    assert sum(data["counts"].values()) == len(of_demo)
    asked = {"id", "source", "page", "claim", "ours", "verdict", "command"}
    assert all(asked <= set(one) for one in data["claims"])
    assert len(of_demo.to_dataframe()) == len(of_demo)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "profile"}, "not a claims"),
        ({"version": 2}, "reads version 1"),
        ({"claims": {}}, "claims"),
        ({"claims": [3]}, r"claims\[0\]"),
        ({"claims": [{}]}, "id"),
    ],
)
def test_damaged_files_are_refused(change: dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_text(json.dumps({"version": 1, "kind": "claims", "claims": []} | change))
    with pytest.raises(mp.FormatError, match=message):
        mp.Claims.load(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("id", 3), ("value", "1.4"), ("value", math.nan), ("verdict", "perhaps"), ("ours", None)],
)
def test_damaged_rows_are_refused(key: str, value: object, tmp_path: Path) -> None:
    data = mp.claims("meadow-10a-naive", run=True).to_dict()
    data["claims"][0][key] = value
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(data))
    with pytest.raises(mp.FormatError, match=r"claims\[0\]"):
        mp.Claims.load(path)


def test_the_page_of_the_docs_is_made_of_the_record() -> None:
    text = (Path(__file__).parents[3] / "docs" / "claims.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(CLAIMS)
    for row, line in zip(mp.claims(), rows, strict=True):
        assert line.startswith(f"| `{row.id}`: {row.claim} | {row.page} | {row.published} |")
        assert f"| {row.ours or ''} | {row.verdict or 'needs data'} |" in line
        assert row.detail in line


def test_the_table_fits_80_columns() -> None:
    from meadow_py.views.terminal.claims import claims_text

    lines = claims_text(mp.claims(), 80).splitlines()
    assert max(map(len, lines)) <= 80
    for row in mp.claims():
        (line,) = [line for line in lines if line.split()[:1] == [row.id] and row.page in line]
        assert (row.verdict or "needs data") in line
        assert (row.ours or "-") in line


def test_html_holds_every_claim() -> None:
    from meadow_py.views.html import report

    found = mp.claims()
    for page in (found._repr_html_(), report(found)):
        assert all(row.page in page and row.published in page for row in found)
        assert page.count("meadow-refuted") >= found.counts()["refuted"]
    assert VERDICTS[0] in page
