"""Measured products as text: entropy, size and speed side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from meadow_py.profiler.product_table import ProductRow, product_table
from meadow_py.spelling import per_weight, ratio, visible
from meadow_py.views import products as words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from meadow_py.profiler import Profile


def product_parts(profile: Profile, each_weight: bool) -> Iterator[RenderableType]:
    """The table of a profile with measured products; nothing for any other profile."""
    made = product_table(profile)
    if made is None or profile.measured is None:
        return
    yield Text()
    yield Text.assemble((words.TITLE, "bold"), f": {visible(words.where(profile.measured))}")
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("weight" if each_weight else "role", overflow="fold", min_width=9)
    if not each_weight:
        table.add_column("weights", justify="right")
    for name in words.COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    rows = made.weights if each_weight else made.roles
    for row in rows:
        table.add_row(*_cells(row, each_weight))
    if len(rows) > 1:
        table.add_row(*_cells(made.total, each_weight), style="bold")
    yield table
    yield Text(words.verdict(made.total, profile.measured), style="italic")


def _cells(row: ProductRow, each_weight: bool) -> list[str | Text]:
    label = Text(visible(row.label))
    faster = row.speedup
    style = "" if faster is None else "green" if faster > 1 else "red"
    return [
        *([label] if each_weight else [label, str(row.weights)]),
        per_weight(row.fields_floor),
        per_weight(row.storage),
        per_weight(row.packed),
        words.microseconds(row.dense_microseconds),
        words.microseconds(row.packed_microseconds),
        ratio(row.byte_ratio),
        Text(ratio(faster), style=style),
    ]
