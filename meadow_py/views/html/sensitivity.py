"""A sweep as a fragment of HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from meadow_py import quantizers
from meadow_py.spelling import decibels, per_weight
from meadow_py.views import verdicts
from meadow_py.views.html import profile
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.figures import ratio_cell
from meadow_py.views.html.markup import Column, Markup, element, folded, table
from meadow_py.views.html.terms import SWEEP_TERMS, TERMS
from meadow_py.views.verdicts import choice_title

if TYPE_CHECKING:
    from meadow_py.sweep import Sensitivity, SweetSpot

_FIGURES = (
    Column("SNR\ndB"),
    Column("dense\nb/w"),
    Column("plain\nHuffman"),
    Column("packed\nb/w"),
    Column("storage\nb/w"),
    Column("sweet spot", words=True),
    Column("smallest\nof the three", words=True),
    Column("ratio"),
)


def sensitivity_html(sweep: Sensitivity) -> str:
    """The sweep for a notebook: verdict first, long parts folded; see `profile_html`."""
    return fragment(sensitivity_content(sweep))


def sensitivity_content(sweep: Sensitivity) -> Content:
    """The content of a sweep."""
    references = _by_reference(sweep)
    title, *notes = verdicts.header_lines(sweep.profile)
    return Content(
        title=title,
        headline=verdicts.sweep_headline([spots[-1] for spots in references]),
        notes=tuple(notes),
        overview=tuple(_overview(references)),
        sections=tuple(_section_parts(sweep, references)),
        terms=(*SWEEP_TERMS, *TERMS),
    )


def _by_reference(sweep: Sensitivity) -> list[list[SweetSpot]]:
    """For each reference: one entry per role, and last one for all roles together."""
    grouped = groupby(sweep.sweet_spots, key=lambda spot: spot.quantizer)
    return [list(spots) for _, spots in grouped]


def _overview(references: Sequence[Sequence[SweetSpot]]) -> Iterator[Markup]:
    """All weights at a glance, if there is more than one reference."""
    if len(references) > 1:
        rows = [[_setting(spots[-1]), *_cells(spots[-1])] for spots in references]
        columns = [Column("at no lower SNR than", words=True), *_FIGURES]
        yield table("All weights: what is smallest at no lower SNR", columns, rows)


def _section_parts(
    sweep: Sensitivity, references: Sequence[Sequence[SweetSpot]]
) -> Iterator[Markup]:
    """The tables for looking things up: the first open, the others folded."""
    for n, spots in enumerate(references):
        yield folded(
            verdicts.sweep_title(spots[-1]),
            element("p", verdicts.sweep_verdict(spots[-1]), kind="verdict"),
            _by_role(spots),
            unfolded=n == 0,
        )
    made = sweep.profile.summary()
    yield folded(
        "Every way of quantising by itself",
        *profile.overview(made),
        *profile.section_parts(made),
    )


def _by_role(spots: Sequence[SweetSpot]) -> Markup:
    rows = [[spot.role, *_cells(spot)] for spot in spots]
    total = rows.pop() if len(rows) > 1 else None
    caption = f"By role, at no lower SNR than {_setting(spots[-1])}"
    return table(caption, [Column("role", words=True), *_FIGURES], rows, total)


def _cells(spot: SweetSpot) -> list[str]:
    chosen = spot.sweet_spot
    return [
        decibels(spot.snr_db),
        f"{spot.smallest_dense.bits_per_weight:.2f}",
        f"{spot.huffman.bits_per_weight:.2f}",
        f"{spot.packed.bits_per_weight:.2f}",
        per_weight(None if spot.storage is None else spot.storage.bits_per_weight),
        "none" if chosen is None else choice_title(chosen, spot),
        verdicts.smallest_of_three(spot),
        ratio_cell(spot.smallest.ratio),
    ]


def _setting(spot: SweetSpot) -> str:
    return quantizers.title(spot.quantizer)
