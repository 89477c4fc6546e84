"""A plan as HTML, for Jupyter: the verdict, the forms, the storages, the tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from meadow_py.views import plan as words
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.markup import Column, Markup, table

if TYPE_CHECKING:
    from meadow_py.planner import Plan

_TERMS = (
    (
        "first token s",
        "Seconds from cold: reading all weights from the fastest storage that may hold them, then "
        "the prompt. A lower bound.",
    ),
    (
        "tokens/s",
        "Decoded at the full context, from where the weights lie: bytes over bandwidth or "
        "operations over their rate, whichever is longer, and the device's time a token.",
    ),
    ("KV, act.", "KV cache of the whole context, and the largest activations alive at once."),
    (
        "longest context",
        "Tokens of context with which everything stays in memory, or on the chip.",
    ),
)


def plan_html(plan: Plan) -> str:
    """The plan for a notebook."""
    columns = words.columns_of(plan)
    rows = [words.option_cells(option, columns) for option in plan.options]
    names = (words.headings(columns), rows, words.words_among(columns))
    tables = [_table("Precisions and packings", *names)]
    shown = words.shown_option(plan)
    if shown is not None and shown.storages:
        said = f"From cold, {words.name_of(shown)}"
        tables.append(_table(said, *words.storage_table(shown), ("storage", "holds it")))
    if shown is not None and shown.tiling is not None:
        said, found = words.tiling_line(shown.tiling), words.tile_rows(shown.tiling)
        tables.append(_table(said, words.TILE_HEADINGS, found, ("matrix",)))
    notes = (words.lengths(plan), *words.place_lines(plan), *words.note_lines(plan))
    return fragment(
        Content(words.title(plan), words.verdict(plan), notes, tuple(tables), (), _TERMS)
    )


def _table(
    caption: str, headings: Sequence[str], rows: list[list[str]], left: Sequence[str]
) -> Markup:
    columns = [Column(name, words=name in left) for name in headings]
    return table(caption, columns, rows)
