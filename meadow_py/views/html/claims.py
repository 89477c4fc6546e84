"""Claims as HTML: a table for each source, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.views import claims as words
from meadow_py.views.html.content import Content, fragment
from meadow_py.views.html.markup import Column, Markup, element, table

if TYPE_CHECKING:
    from meadow_py.claims import ClaimRow, Claims

_COLUMNS = tuple(
    Column(name, words=True)
    for name in ("claim", "page", "published", "ours", "verdict", "how, and what stands in")
)
_TERMS = (
    ("published", "The figure of the source."),
    ("ours", "This library's figure, which the claim's rule judges."),
    (
        "reproduced",
        "The figure comes out within the claim's tolerance, and every input is the source's own.",
    ),
    (
        "approximated",
        "The figure comes out within a wider tolerance, or something stands in for data that the "
        "source does not give, or for weights that are not available.",
    ),
    ("refuted", "The figure does not come out, with the weights and constants named beside it."),
    ("needs data", "No verdict: the last column says what would decide it."),
)


def claims_content(found: Claims) -> Content:
    """The claims, ready to be put together."""
    return Content(
        title="Published claims, computed again",
        headline=words.headline(found),
        notes=(*words.record_lines(found), *words.reading_lines(found)),
        overview=(),
        sections=tuple(_table(source, rows) for source, rows in words.by_source(found)),
        terms=_TERMS,
    )


def claims_html(found: Claims) -> str:
    """The claims for a notebook."""
    return fragment(claims_content(found))


def _table(source: str, rows: list[ClaimRow]) -> Markup:
    return table(source, _COLUMNS, [_cells(row) for row in rows])


def _cells(row: ClaimRow) -> list[str]:
    if row.verdict is None:
        how = f"needs {row.needs}"
    else:
        how = row.detail + (f"; stands in: {row.stands_in}" if row.stands_in else "")
    said = row.verdict or words.NO_DATA
    verdict = element("td", said, kind=f"words {said.replace(' ', '-')}")
    cells = [row.claim, row.page, row.published, row.ours or "-"]
    return [*cells, verdict, element("td", how, kind="words sentence")]
