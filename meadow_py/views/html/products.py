"""Measured products as HTML: entropy, size and speed side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meadow_py.profiler.product_table import ProductRow, product_table
from meadow_py.spelling import per_weight, ratio
from meadow_py.views import products as words
from meadow_py.views.html.figures import ratio_cell
from meadow_py.views.html.markup import Column, Markup, element, folded, table

if TYPE_CHECKING:
    from meadow_py.profiler import Profile


def product_parts(profile: Profile) -> Iterator[Markup]:
    """The tables of a profile with measured products; nothing for any other profile."""
    made = product_table(profile)
    if made is None or profile.measured is None:
        return
    by_weight = _table("By weight", "weight", made.weights, made.total)
    number = len(made.weights)
    yield folded(
        words.TITLE,
        element("p", words.where(profile.measured), kind="note"),
        element("p", words.verdict(made.total, profile.measured), kind="verdict"),
        _table("By role", "role", made.roles, made.total),
        folded(f"{number:,} weight{'' if number == 1 else 's'}", by_weight),
        unfolded=True,
    )


def _table(caption: str, first: str, rows: Sequence[ProductRow], total: ProductRow) -> Markup:
    columns = [Column(first, words=True), *map(Column, words.COLUMNS)]
    last = _cells(total) if len(rows) > 1 else None
    return table(f"{caption}: {words.TITLE}", columns, [_cells(row) for row in rows], last)


def _cells(row: ProductRow) -> list[str]:
    return [
        row.label,
        per_weight(row.fields_floor),
        per_weight(row.storage),
        per_weight(row.packed),
        words.microseconds(row.dense_microseconds),
        words.microseconds(row.packed_microseconds),
        "-" if row.byte_ratio is None else ratio_cell(row.byte_ratio),
        ratio(row.speedup),
    ]
