"""HTML out of pieces that are escaped exactly once.

A `Markup` is HTML; a plain str is text and is escaped where it is put in.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meadow_py.spelling import visible

PREFIX = "meadow"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    def __add__(self, other: str) -> Markup:
        """HTML followed by HTML, or by text that is escaped."""
        return Markup(super().__add__(text(other)))


def text(said: str) -> Markup:
    """`said` as HTML that shows it: markup escaped, control characters spelled out."""
    return said if isinstance(said, Markup) else Markup(html.escape(visible(said)))


def element(tag: str, *content: str, kind: str = "", **attributes: str) -> Markup:
    """``<tag class="meadow-kind" ...>content</tag>``; several kinds are parted by spaces."""
    classes = " ".join(f"{PREFIX}-{name}" for name in kind.split())
    given = {"class": classes, **attributes} if classes else attributes
    shown = "".join(f' {name}="{text(value)}"' for name, value in given.items())
    return Markup(f"<{tag}{shown}>{''.join(text(part) for part in content)}</{tag}>")


def join(parts: Iterable[str]) -> Markup:
    """Pieces one after another, a line each."""
    return Markup("\n".join(text(part) for part in parts))


def folded(title: str, *content: str, unfolded: bool = False) -> Markup:
    """A part that the reader can open and close."""
    start = f'<details class="{PREFIX}-fold"{" open" if unfolded else ""}>'
    return Markup(f"{start}{element('summary', title)}\n{join(content)}\n</details>")


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, in lines, and whether it holds numbers or words."""

    heading: str
    words: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    total: Sequence[str] | None = None,
) -> Markup:
    """A table whose first cells are headings of their rows.

    Parameters
    ----------
    caption : str
        Says what the table shows.
    columns : sequence of Column
    rows : iterable of sequence of str
        One cell per column: text, or the `Markup` of a whole ``<td>``.
    total : sequence of str, optional
        A last row that adds up the others.
    """
    shown = [_row(cells, columns) for cells in rows]
    foot = [] if total is None else ["<tfoot>", _row(total, columns), "</tfoot>"]
    lines = [
        f'<div class="{PREFIX}-scroll"><table class="{PREFIX}-table">',
        element("caption", caption),
        f"<thead><tr>{''.join(_heading(column) for column in columns)}</tr></thead>",
        "<tbody>",
        *shown,
        "</tbody>",
        *foot,
        "</table></div>",
    ]
    return Markup("\n".join(lines))


def _heading(column: Column) -> Markup:
    lines = Markup("<br>".join(text(line) for line in column.heading.split("\n")))
    return element("th", lines, kind="words" if column.words else "", scope="col")


def _row(cells: Sequence[str], columns: Sequence[Column]) -> Markup:
    first = element("th", cells[0], kind="words", scope="row")
    rest = (_cell(cell, column) for cell, column in zip(cells[1:], columns[1:], strict=True))
    return Markup(f"<tr>{first}{''.join(rest)}</tr>")


def _cell(cell: str, column: Column) -> Markup:
    if isinstance(cell, Markup):
        return cell
    return element("td", cell, kind="words" if column.words else "")
