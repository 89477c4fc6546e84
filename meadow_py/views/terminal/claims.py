"""Claims as text: a line for each, or everything about a few."""

from __future__ import annotations

from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.claims import ClaimRow, Claims
from meadow_py.spelling import visible
from meadow_py.views import claims as words
from meadow_py.views.terminal.printing import plain_console, printed

HEADINGS = ("claim", "page", "published", "ours", "verdict")
STYLES = {"reproduced": "green", "approximated": "yellow", "refuted": "red"}
_FEW = 3  # up to this number of claims are shown in full


def claims_text(found: Claims, width: int | None = None) -> str:
    """The claims as plain text, `width` columns wide (the terminal's, or 80)."""
    return render_claims(found, plain_console(width)).rstrip("\n")


def render_claims(found: Claims, console: Console) -> str:
    """The claims as `console` would print them, colours included."""
    return printed(claims_view(found), console)


def claims_view(found: Claims) -> RenderableType:
    """The claims for rich."""
    if 0 < len(found) <= _FEW:
        return Group(*(part for row in found for part in _whole(row)))
    parts: list[RenderableType] = [Text(words.headline(found), style="bold"), Text()]
    parts += [_table(found), Text()]
    missing = [row for row in found if row.verdict is None]
    if missing:
        parts += [Text("Without a verdict, and what they need:", style="bold"), _needs(missing)]
        parts += [Text()]
    parts += [Text(visible(line), style="dim") for line in words.record_lines(found)]
    parts += [Text(f"{words.READ}; meadow claims CLAIM names it", style="dim")]
    return Group(*parts)


def _table(found: Claims) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in HEADINGS:
        side: Literal["left", "right"] = "right" if name == "ours" else "left"
        whole = name in ("claim", "verdict")
        table.add_column(name, justify=side, overflow="fold", no_wrap=whole)
    for source, rows in words.by_source(found):
        table.add_row(Text(visible(source.partition(":")[0]), style="bold"))
        for row in rows:
            said = words.verdict(row)
            cells = (f"  {row.id}", row.page, row.published, row.ours or "-")
            style = STYLES.get(said, "dim")
            table.add_row(*(Text(visible(cell)) for cell in cells), Text(said, style=style))
    return table


def _needs(rows: list[ClaimRow]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    for row in rows:
        table.add_row(Text(f"  {visible(row.id)}"), Text(visible(row.needs)))
    return table


def _whole(row: ClaimRow) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    for label, text in words.details(row):
        style = STYLES.get(text, "") if label == "verdict" else ""
        table.add_row(Text(f"  {label}", style="dim"), Text(visible(text), style=style))
    return [Text(visible(row.id), style="bold"), table, Text()]
