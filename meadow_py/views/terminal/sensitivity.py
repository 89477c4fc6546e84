"""A sweep as text: for every quality to be kept, the best choice for each kind of layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.spelling import decibels, per_weight, visible
from meadow_py.views import verdicts
from meadow_py.views.terminal.profile import header
from meadow_py.views.verdicts import choice_title

if TYPE_CHECKING:
    from meadow_py.sweep import Choice, Sensitivity, SweetSpot


def sensitivity_view(sweep: Sensitivity) -> RenderableType:
    """The sweep for rich."""
    parts: list[RenderableType] = [header(sweep.profile)]
    by_reference = groupby(sweep.sweet_spots, key=lambda spot: spot.quantizer)
    sections = [list(spots) for _, spots in by_reference]
    if len(sections) > 1:
        said = verdicts.sweep_headline([members[-1] for members in sections])
        parts += [Text(), Text(said, style="bold italic")]
    for members in sections:
        parts += [Text(), Text(verdicts.sweep_title(members[0]), style="bold"), _table(members)]
        parts += [Text(verdicts.sweep_verdict(members[-1]), style="italic")]
    return Group(*parts, Text(), Text(verdicts.SWEEP_FOOTNOTES, style="dim"))


def _table(spots: Sequence[SweetSpot]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("role", no_wrap=True)
    for name in ("SNR\ndB", "dense\nb/w", "plain\nHuffman", "packed\nb/w", "storage\nb/w"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("sweet spot", overflow="fold")
    table.add_column("smallest\nof the three", overflow="fold")
    for spot in spots:
        table.add_row(*_cells(spot), style="bold" if spot.role == "all" else None)
    return table


def _cells(spot: SweetSpot) -> list[str | Text]:
    chosen = spot.sweet_spot
    return [
        visible(spot.role),
        decibels(spot.snr_db),
        f"{spot.smallest_dense.bits_per_weight:.2f}",
        f"{spot.huffman.bits_per_weight:.2f}",
        f"{spot.packed.bits_per_weight:.2f}",
        per_weight(None if spot.storage is None else spot.storage.bits_per_weight),
        Text("none", style="red") if chosen is None else Text(_named(chosen, spot), style="green"),
        verdicts.smallest_of_three(spot),
    ]


def _named(choice: Choice, among: SweetSpot) -> str:
    return visible(choice_title(choice, among))
