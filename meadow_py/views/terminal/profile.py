"""A profile as text: what it was made of, a table per way of quantising, and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py import quantizers
from meadow_py.codecs import CODECS
from meadow_py.profiler.summary import (
    BUFFER_SHARES,
    Section,
    SmallestPacking,
)
from meadow_py.profiler.summary import Group as Figures
from meadow_py.spelling import binary_size, decibels, per_weight, ratio, visible
from meadow_py.views import verdicts
from meadow_py.views.terminal.products import product_parts

if TYPE_CHECKING:
    from meadow_py.profiler import Profile

_NOT_COUNTED = "dictionary\nnot counted"


def profile_view(profile: Profile, per_weight: bool = False) -> RenderableType:
    """The profile for rich."""
    parts: list[RenderableType] = [header(profile)]
    made = profile.summary()
    for section in made:
        parts += [Text(), _section_title(section), _section_table(section, per_weight)]
        parts += [Text(verdicts.verdict(section.total), style="italic")]
    parts += product_parts(profile, per_weight)
    parts += [
        Text(),
        _chunk_table(made),
        Text(),
        _buffer_table(made),
        Text(),
        Text(verdicts.PROFILE_FOOTNOTES, style="dim"),
    ]
    return Group(*parts)


def header(profile: Profile) -> Text:
    """The lines that say what was profiled, how and where."""
    lines = verdicts.header_lines(profile)
    text = Text("\n".join(lines))
    text.stylize("bold", 0, len(lines[0]))
    return text


def _section_title(section: Section) -> Text:
    title, dense = verdicts.section_title(section)
    return Text.assemble((title, "bold"), f": {dense}")


def _section_table(section: Section, each_weight: bool) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("weight" if each_weight else "role", overflow="fold", min_width=9)
    if not each_weight:
        table.add_column("weights", justify="right")
    for name in ("symbol\nfloor", "storage\nb/w", "Huffman\nb/w"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"best\n{_packing('packing', 'C')}", no_wrap=True)
    for name in ("b/w", "ratio", "SNR\ndB"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = section.weights if each_weight else section.roles
    for row in rows:
        table.add_row(*_cells(row, each_weight))
    if len(rows) > 1:
        table.add_row(*_cells(section.total, each_weight), style="bold")
    return table


def _cells(row: Figures, each_weight: bool) -> list[str | Text]:
    best = row.best
    label = Text(visible(row.label))
    cells: list[str | Text] = [label] if each_weight else [label, str(row.weights)]
    return [
        *cells,
        f"{row.floor_symbol:.2f}",
        per_weight(row.storage),
        per_weight(row.huffman),
        _packing(CODECS[best.codec].title, str(best.chunk_size)),
        f"{best.bits_per_weight:.2f}",
        _coloured_ratio(best),
        decibels(row.snr_db),
    ]


def _packing(title: str, chunk_size: str) -> str:
    """Two columns joined by a space, so that the table fits 80 columns."""
    return f"{title:<{max(len(codec.title) for codec in CODECS.values())}} {chunk_size}"


def _coloured_ratio(best: SmallestPacking) -> Text:
    return Text(ratio(best.ratio), style="green" if best.ratio > 1 else "red")


def _table_by_chunk_size(title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1),
        pad_edge=False,
        header_style="dim",
    )
    table.add_column("scales")
    table.add_column("C", justify="right")
    return table


def _chunk_table(made: Sequence[Section]) -> Table:
    table = _table_by_chunk_size("All weights by chunk size: ratio to dense, everything counted")
    table.add_column("chunks per\ndistinct", justify="right")
    for codec in CODECS.values():
        table.add_column(codec.title, justify="right")
    table.add_column(_NOT_COUNTED, justify="right")
    for section in made:
        for cells in _chunk_cells(section):
            table.add_row(*cells)
    return table


def _chunk_cells(section: Section) -> Iterator[list[str | Text]]:
    for n, row in enumerate(section.chunks):
        title = visible(quantizers.title(section.quantizer, short=True))
        ratios = [Text(ratio(r), style="green" if r > 1 else "red") for r in row.ratios.values()]
        yield [
            title if n == 0 else "",
            str(row.chunk_size),
            _three_digits(row.reduction_ratio),
            *ratios,
            Text(ratio(row.index_only_ratio), style="dim"),
        ]


def _buffer_table(made: Sequence[Section]) -> Table:
    table = _table_by_chunk_size("Buffer for any dictionary of a share of weights")
    for share in BUFFER_SHARES:
        table.add_column(f"{share} %", justify="right")
    for section in made:
        for n, row in enumerate(section.chunks):
            title = visible(quantizers.title(section.quantizer, short=True))
            sizes = [binary_size(size) for size in row.buffers]
            table.add_row(title if n == 0 else "", str(row.chunk_size), *sizes)
    return table


def _three_digits(value: float) -> str:
    """1.00, 12.5, 927."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
