"""A plan as text: a row for each precision and packing, and what the best of them means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.planner import Plan
from meadow_py.views import plan as words
from meadow_py.views.terminal.printing import plain_console, printed


def plan_text(plan: Plan, width: int | None = None) -> str:
    """The plan as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_plan(plan, plain_console(width)).rstrip("\n")


def render_plan(plan: Plan, console: Console) -> str:
    """The plan as `console` would print it, colours included."""
    return printed(plan_view(plan), console)


def plan_view(plan: Plan) -> RenderableType:
    """The plan for rich."""
    parts: list[RenderableType] = [_head(plan), Text(), _options(plan)]
    parts += [Text(), *(Text(line) for line in words.place_lines(plan))]
    shown = words.shown_option(plan)
    if shown is not None and shown.storages:
        parts += [Text(), Text(f"From cold, {words.name_of(shown)}:")]
        parts += [_table(*words.storage_table(shown), ("storage", "holds it"))]
    if shown is not None and shown.tiling is not None:
        parts += [Text(), Text(words.tiling_line(shown.tiling))]
        parts += [_table(words.TILE_HEADINGS, words.tile_rows(shown.tiling), ("matrix",))]
    parts += [Text(), *(Text(line, style="dim") for line in words.note_lines(plan))]
    return Group(*parts)


def _head(plan: Plan) -> Text:
    title = words.title(plan)
    head = Text(f"{title}\n{words.lengths(plan)}\n{words.verdict(plan)}")
    head.stylize("bold", 0, len(title))
    return head


def _options(plan: Plan) -> Table:
    styles = [None if option.in_memory else "dim" for option in plan.options]
    columns = words.columns_of(plan)
    rows = [words.option_cells(option, columns) for option in plan.options]
    return _table(words.headings(columns), rows, words.words_among(columns), styles)


def _table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: Sequence[str],
    styles: Sequence[str | None] = (),
) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for at, name in enumerate(headings):
        side: Literal["left", "right"] = "left" if name in left else "right"
        long = name == "form" or any(" to " in row[at] for row in rows)
        table.add_column(name, justify=side, no_wrap=not long, overflow="fold")
    for row, style in zip(rows, styles or [None] * len(rows), strict=True):
        table.add_row(*map(Text, row), style=style)
    return table
