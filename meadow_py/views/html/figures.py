"""The tables of a profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meadow_py.codecs import CODECS
from meadow_py.profiler.summary import BUFFER_SHARES, Group, Section
from meadow_py.spelling import binary_size, decibels, per_weight, ratio
from meadow_py.views.html.markup import PREFIX, Column, Markup, table, text
from meadow_py.views.spelling import setting_title

_NOT_COUNTED = Column("dictionary\nnot counted")
_SCALES = Column("scales", words=True)
_C = Column("C")
_SNR = Column("SNR\ndB")
_DENSE_BAR = 40  # pixels that stand for the dense size; the style draws a line there
_LONGEST_BAR = 60  # pixels: what is larger than 1.5 times dense looks like this


def by_setting(made: Sequence[Section]) -> Markup:
    """All weights, one row per way of quantising: what matters first comes first."""
    columns = [
        _SCALES,
        Column("sweet spot", words=True),
        Column("ratio"),
        Column("best packing", words=True),
        _C,
        Column("b/w"),
        Column("storage\nb/w"),
        Column("plain\nHuffman"),
        Column("dense\nb/w"),
        Column("symbol\nfloor"),
        _SNR,
    ]
    rows = [[_title(section), *_overview_cells(section.total)] for section in made]
    return table("All weights by way of quantising", columns, rows)


def _overview_cells(total: Group) -> list[str]:
    best = total.best
    return [
        "none" if total.sweet_spot is None else "yes",
        ratio_cell(best.ratio),
        CODECS[best.codec].title,
        str(best.chunk_size),
        f"{best.bits_per_weight:.2f}",
        per_weight(total.storage),
        f"{total.plain_huffman:.2f}",
        f"{total.dense:.2f}",
        f"{total.floor_symbol:.2f}",
        decibels(total.snr_db),
    ]


def by_role(section: Section) -> Markup:
    """One way of quantising, one row per role."""
    columns = [Column("role", words=True), Column("weights"), *_figure_columns()]
    rows = [[group.label, str(group.weights), *_figure_cells(group)] for group in section.roles]
    total = section.total
    last = [total.label, str(total.weights), *_figure_cells(total)] if len(rows) > 1 else None
    return table(f"By role: {_title(section)}", columns, rows, last)


def by_weight(section: Section) -> Markup:
    """One way of quantising, one row per weight."""
    columns = [Column("weight", words=True), *_figure_columns()]
    rows = ([group.label, *_figure_cells(group)] for group in section.weights)
    total = section.total
    last = [total.label, *_figure_cells(total)] if len(section.weights) > 1 else None
    return table(f"By weight: {_title(section)}", columns, rows, last)


def by_chunk_size(made: Sequence[Section]) -> Markup:
    """Ratios of every codec, one row per way of quantising and chunk size."""
    codecs = [Column(codec.title) for codec in CODECS.values()]
    columns = [_SCALES, _C, Column("chunks per\ndistinct"), *codecs, _NOT_COUNTED]
    caption = "All weights by chunk size: ratio to dense, everything counted"
    return table(caption, columns, _chunk_rows(made))


def buffers(made: Sequence[Section]) -> Markup:
    """On-chip memory for dictionaries, one row per way of quantising and chunk size."""
    columns = [_SCALES, _C, *(Column(f"{share} %") for share in BUFFER_SHARES)]
    rows = [
        [_short(section), str(row.chunk_size), *map(binary_size, row.buffers)]
        for section in made
        for row in section.chunks
    ]
    caption = "Buffer for any dictionary of a share of weights"
    return table(caption, columns, rows)


def _figure_columns() -> list[Column]:
    return [
        Column("symbol\nfloor"),
        Column("storage\nb/w"),
        Column("Huffman\nb/w"),
        Column("best\npacking", words=True),
        _C,
        Column("b/w"),
        Column("ratio"),
        _SNR,
    ]


def _figure_cells(group: Group) -> list[str]:
    best = group.best
    return [
        f"{group.floor_symbol:.2f}",
        per_weight(group.storage),
        per_weight(group.huffman),
        CODECS[best.codec].title,
        str(best.chunk_size),
        f"{best.bits_per_weight:.2f}",
        ratio_cell(best.ratio),
        decibels(group.snr_db),
    ]


def _chunk_rows(made: Sequence[Section]) -> Iterator[list[str]]:
    for section in made:
        for row in section.chunks:
            yield [
                _short(section),
                str(row.chunk_size),
                _three_digits(row.reduction_ratio),
                *(ratio_cell(value) for value in row.ratios.values()),
                ratio(row.index_only_ratio),
            ]


def ratio_cell(value: float) -> Markup:
    """A ratio beside a bar of the packed size, which ends before the line of dense or beyond."""
    width = min(round(_DENSE_BAR / value), _LONGEST_BAR)
    side = "smaller" if value > 1 else "larger"
    bar = f'<i class="{PREFIX}-{side}" style="width:{width}px"></i>'
    return Markup(f'<td class="{PREFIX}-ratio">{bar}{text(ratio(value))}</td>')


def _title(section: Section) -> str:
    return setting_title(section.bits, section.granularity)


def _short(section: Section) -> str:
    return setting_title(section.bits, section.granularity, short=True)


def _three_digits(value: float) -> str:
    """1.00, 12.5, 927."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
