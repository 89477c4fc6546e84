"""HTML shows the figures of the terminal, in the same words."""

from __future__ import annotations

import pytest
from html_results import page
from html_tree import Node, captioned, parse, rows

import meadow_py as mp
from meadow_py import demo, quantizers
from meadow_py.views import verdicts
from meadow_py.views.html import profile_html, sensitivity_html
from meadow_py.views.terminal import render_text
from meadow_py.views.verdicts import form_title

WIDE = 500  # columns: nothing is folded


def terminal_lines(result: object, per_weight: bool = False) -> list[list[str]]:
    return [line.split() for line in render_text(result, WIDE, per_weight).splitlines()]


def tokens(row: list[str]) -> list[str]:
    return " ".join(row).split()


@pytest.fixture(scope="module", params=[profile_html, page])
def tree(request: pytest.FixtureRequest, made: mp.Profile) -> Node:
    return parse(request.param(made))


@pytest.mark.parametrize(("caption", "per_weight"), [("By role", False), ("By weight", True)])
def test_rows_are_those_of_the_terminal(
    tree: Node, made: mp.Profile, caption: str, per_weight: bool
) -> None:
    lines = terminal_lines(made, per_weight)
    shown = [tokens(row) for table in captioned(tree, caption) for row in rows(table)]
    size = 10 - per_weight
    first = lines.index(next(line for line in lines if line[:1] == [shown[0][0]]))
    chunks = next(
        n for n, line in enumerate(lines) if line[:5] == ["All", "weights", "by", "chunk", "size:"]
    )
    expected = [
        line for line in lines[first:chunks] if len(line) == size and line[-2].endswith("x")
    ]
    assert shown == expected
    assert len(shown) == len(made.summary()) * (13 if per_weight else 5)


def test_headings_are_those_of_the_terminal(tree: Node, made: mp.Profile) -> None:
    lines = terminal_lines(made)
    at = next(n for n, line in enumerate(lines) if line[:1] == ["role"])
    headings = [th.text for th in captioned(tree, "By role")[0].all("thead")[0].all("th")]
    assert sorted(" ".join(headings).split()) == sorted(lines[at - 1] + lines[at])


@pytest.mark.parametrize("caption", ["All weights by chunk size", "Buffer"])
def test_tables_by_chunk_size_are_those_of_the_terminal(
    tree: Node, made: mp.Profile, caption: str
) -> None:
    lines = terminal_lines(made)
    (table,) = captioned(tree, caption)
    at = lines.index(table.all("caption")[0].text.split())
    end = next(n for n, line in enumerate(lines) if n > at and not line)
    expected = [line for line in lines[at:end] if line]
    title = ""
    for row, line in zip(rows(table), expected[-len(rows(table)) :], strict=True):
        label, figures = row[0], tokens(row[1:])
        assert line[-len(figures) :] == figures
        assert line[: -len(figures)] == (label.split() if label != title else [])
        title = label
    assert len(rows(table)) == len(made.summary()) * len(made.settings.chunk_sizes)


def test_the_overview_is_the_summary(tree: Node, made: mp.Profile) -> None:
    (table,) = captioned(tree, "All weights by way of quantising")
    assert rows(table)
    for row, section in zip(rows(table), made.summary(), strict=True):
        total, best = section.total, section.total.best
        assert row == [
            quantizers.title(section.quantizer),
            "none" if total.sweet_spot is None else "yes",
            f"{best.ratio:.2f}x",
            {"reindexed": "re-indexed"}.get(best.codec, best.codec),
            str(best.chunk_size),
            f"{best.bits_per_weight:.2f}",
            f"{total.storage:.2f}",
            f"{total.plain_huffman:.2f}",
            f"{total.dense:.2f}",
            f"{total.floor_symbol:.2f}",
            f"{total.snr_db:.1f}",
        ]


def test_sentences_are_those_of_the_terminal(tree: Node, made: mp.Profile) -> None:
    text = render_text(made, 2000)
    said = [verdicts.verdict(section.total) for section in made.summary()]
    assert [p.text for p in tree.of_class("meadow-verdict")] == said
    notes = [p.text for p in tree.of_class("meadow-note")]
    assert [tree.of_class("meadow-title")[0].text, *notes] == verdicts.header_lines(made)
    assert all(sentence in text for sentence in (*said, *notes))


def test_a_sweep_shows_what_the_terminal_shows(swept: mp.Sensitivity) -> None:
    tree = parse(sensitivity_html(swept))
    lines = terminal_lines(swept)
    shown = [row for table in captioned(tree, "By role, at") for row in rows(table)]
    assert len(shown) == len(swept.sweet_spots)
    for row, spot in zip(shown, swept.sweet_spots, strict=True):
        assert tokens(row[:-1]) in lines
        assert row[-1] == f"{spot.smallest.ratio:.2f}x"
    text = render_text(swept, 2000)
    said = [verdicts.sweep_verdict(spot) for spot in swept.best("all")]
    assert [p.text for p in tree.of_class("meadow-verdict")][: len(said)] == said
    assert all(sentence in text for sentence in said)
    (overview,) = captioned(tree, "All weights: what is smallest")
    totals = [row[1:] for row in shown if row[0] == "all"]
    assert [row[1:] for row in rows(overview)] == totals


def test_headlines(made: mp.Profile, swept: mp.Sensitivity) -> None:
    found = [s for s in made.summary() if s.total.sweet_spot is not None]
    headline = parse(profile_html(made)).of_class("meadow-headline")[0].text
    assert headline.startswith(
        f"Sweet spot in {len(found)} of 6 ways" if found else "Sweet spot: none in any of 6 ways"
    )
    forms = [form_title(s.total.smallest[0]) for s in made.summary()]
    for form in set(forms):
        assert f"{form} in {forms.count(form)} of 6" in headline
    for section in found:
        spot = section.total.sweet_spot
        assert quantizers.title(section.quantizer) in headline
        snr_db = section.total.snr_db
        said = f"C={spot.chunk_size}: {spot.ratio:.2f}x, lowest SNR {snr_db:.1f} dB"
        assert said in headline
    spots = [spot for spot in swept.best("all") if spot.sweet_spot is not None]
    headline = parse(sensitivity_html(swept)).of_class("meadow-headline")[0].text
    assert headline.startswith(
        f"Sweet spot at the quality of {len(spots)} of 6 ways"
        if spots
        else "Sweet spot: none at the quality of any of 6 ways"
    )


def test_one_way_of_quantising_has_its_verdict_as_the_headline() -> None:
    one = mp.profile(demo.checkpoint(), granularity="tensor", roles="attention.q")
    tree = parse(profile_html(one))
    (section,) = one.summary()
    assert tree.of_class("meadow-headline")[0].text == verdicts.verdict(section.total)
    assert not tree.of_class("meadow-verdict")
