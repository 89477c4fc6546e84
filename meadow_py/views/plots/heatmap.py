"""Layers by chunk size: where packing pays, and where it expands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.profiler import Profile, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.views.plots import totals
from meadow_py.views.plots.canvas import Canvas, diverging, ink, on, size_of, text_scale
from meadow_py.views.plots.labels import (
    SMALL,
    headings,
    line_inches,
    literal,
    points,
    quantizer_words,
    shortened,
    subject,
    text_inches,
)
from meadow_py.views.plots.selection import quantized_by, quantizer_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

_ROW, _TALLEST = 0.21, 10.0  # inches: a row that holds a number; all rows, at most
_COLUMN, _GAP = 0.62, 0.12  # inches of a column; width of the gap before the reference column
_LIMITS = (1.1, 1.2, 1.5, 2.0, 3.0, 4.0)  # ratios at the ends of the colours
_BAR = 0.8  # inches that the colour bar takes beside the cells
_NUMBER = 0.75  # size of a number in a cell, relative to other text


@dataclass(frozen=True)
class HeatmapRow:
    """A layer, or a weight outside of layers."""

    label: str
    layer: int | None
    weights: tuple[WeightProfile, ...]


def heatmap(
    profile: Profile,
    canvas: Canvas,
    *,
    bits: int | None = None,
    granularity: str | None = None,
    quantizer: str | None = None,
    codec: str = totals.BEST,
    role: str | None = None,
) -> Axes:
    """Layer by chunk size; the colour is the ratio to dense, everything counted."""
    key = quantizer_of(profile, bits, granularity, quantizer)
    totals.codecs_of(codec)
    rows = rows_of(quantized_by(profile, key, role=role))
    table = _RatioTable(rows, key, codec)
    ax = canvas.axes(_width(table), _height(rows))
    mesh = _draw_cells(ax, table)
    edges = _row_edges(rows, size_of(ax)[1])
    _label_rows(ax, rows, edges)
    hatched = _mark_cells(ax, table, mesh, edges)
    headings(
        ax,
        [
            "Ratio to dense, everything counted",
            subject(profile, quantizer_words(key), *([] if role is None else [role])),
            totals.codec_title(codec),
        ],
        "chunk size C: codes per entry of the dictionary"
        + ("\nhatched: larger than dense" if hatched else ""),
        "layer" if any(row.layer is not None for row in rows) else "weight",
        None if canvas.ax is not None else _title_inches(ax, table),
    )
    _colour_bar(ax, mesh)
    return ax


def rows_of(weights: Sequence[WeightProfile]) -> list[HeatmapRow]:
    """Layers in order; weights outside of layers have their own rows before and after."""
    layers: dict[int, list[WeightProfile]] = {}
    before: list[HeatmapRow] = []
    after: list[HeatmapRow] = []
    for weight in weights:
        if weight.layer is None:
            row = HeatmapRow(weight.name, None, (weight,))
            (after if layers else before).append(row)
        else:
            layers.setdefault(weight.layer, []).append(weight)
    within = [HeatmapRow(str(layer), layer, tuple(layers[layer])) for layer in sorted(layers)]
    return [*before, *within, *after]


class _RatioTable:
    """The numbers: a row per layer, a column per chunk size, then plain Huffman's."""

    def __init__(self, rows: list[HeatmapRow], quantizer: str, codec: str) -> None:
        packings = [[packings_of(w, quantizer) for w in row.weights] for row in rows]
        self.rows = rows
        self.chunks = chunks = [packing.chunk_size for packing in packings[0][0]]
        self.edges = [float(n) for n in range(len(chunks) + 1)]
        columns = [
            [totals.ratio([w[n] for w in row], codec) for row in packings]
            for n in range(len(chunks))
        ]
        first = [[w[0] for w in row] for row in packings]
        huffman = [totals.known_ratio(row, totals.HUFFMAN) for row in first]
        if None not in huffman:
            self.edges += [self.edges[-1] + _GAP, self.edges[-1] + _GAP + 1]
            columns.append([math.nan] * len(rows))
            columns.append([math.nan if value is None else value for value in huffman])
        self.ratios: npt.NDArray[np.float64] = np.array(columns).T
        middles = (np.array(self.edges[1:]) + self.edges[:-1]) / 2
        self.shown = [n for n in range(len(middles)) if not np.isnan(self.ratios[0, n])]
        self.middles = [float(middles[n]) for n in self.shown]


def _title_inches(ax: Axes, table: _RatioTable) -> float:
    """The width of a title over the cells that the figure cannot cut, in inches."""
    beside = 1.4 * text_scale() + max(text_inches(shortened(row.label)) for row in table.rows)
    return size_of(ax)[0] - beside + 2 * _BAR * text_scale()


def _width(table: _RatioTable) -> float:
    """Width of the figure in inches: names, columns, and a colour bar."""
    names = max(text_inches(shortened(row.label)) for row in table.rows) / text_scale()
    return max(6.4, 1.4 + names + _COLUMN * table.edges[-1])


def _height(rows: Sequence[HeatmapRow]) -> float:
    """Height of the figure in inches."""
    return min(_TALLEST, max(1.6, _ROW * len(rows))) + 1.5


def _row_edges(rows: Sequence[HeatmapRow], inches: float) -> list[float]:
    """Edges of rows of equal height, but weights outside of layers are as high as their names."""
    inside = sum(row.layer is not None for row in rows)
    outside = len(rows) - inside
    high, wanted = 1.0, _ROW * text_scale()
    if inside and outside and inches / len(rows) < wanted and outside * wanted < inches / 2:
        high = wanted / ((inches - outside * wanted) / inside)
    heights = [1.0 if row.layer is not None else high for row in rows]
    return [0.0, *np.cumsum(heights).tolist()]


def _draw_cells(ax: Axes, table: _RatioTable) -> QuadMesh:
    from matplotlib.colors import LogNorm

    edges = _row_edges(table.rows, size_of(ax)[1])
    known = table.ratios[~np.isnan(table.ratios)]
    far = float(np.exp(np.abs(np.log(known)).max()))
    limit = next((limit for limit in _LIMITS if limit >= far), _LIMITS[-1])
    mesh = ax.pcolormesh(
        table.edges,
        edges,
        np.ma.masked_invalid(table.ratios),
        cmap=diverging(ax),
        norm=LogNorm(1 / limit, limit),
        rasterized=True,  # thousands of rectangles would make an SVG large
    )
    ax.set_xlim(table.edges[0], table.edges[-1])
    ax.set_ylim(edges[-1], edges[0])
    _label_columns(ax, table)
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return mesh


def _label_columns(ax: Axes, table: _RatioTable) -> None:
    """Label columns with chunk sizes, shorter if columns are narrow."""
    inches = size_of(ax)[0] / table.edges[-1]
    wide = inches > text_inches("Huffman") - 0.05
    sizes = [f"C={size}" if wide else f"{size}" for size in table.chunks]
    coded = ["plain\nHuffman" if wide else "Huff-\nman"] * (len(table.middles) - len(sizes))
    ax.set_xticks(table.middles, [*sizes, *coded])


def _label_rows(ax: Axes, rows: Sequence[HeatmapRow], edges: list[float]) -> None:
    """Label layers at regular steps, as closely as labels do not touch."""
    line = line_inches() / size_of(ax)[1] * edges[-1]
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s >= line), 1000)
    names = [n for n, row in enumerate(rows) if row.layer is None]
    regular = [n for n, row in enumerate(rows) if row.layer is not None and row.layer % step == 0]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    shown: list[int] = []
    for n in [*names, *regular]:  # names first: nothing else tells what these rows are
        if all(abs(middles[n] - middles[other]) >= line for other in shown):
            shown.append(n)
    labels = [literal(shortened(rows[n].label)) for n in shown]
    ax.set_yticks([middles[n] for n in shown], labels)


def _mark_cells(ax: Axes, table: _RatioTable, mesh: QuadMesh, edges: list[float]) -> bool:
    """Write numbers where they fit; else hatch cells that expand, since colour is not enough.

    Returns whether there are hatches.
    """
    width, height = size_of(ax)
    across = text_inches("0.00", _NUMBER) < width / table.edges[-1]
    high = np.diff(edges) * height / edges[-1]
    numbered = [across and inches > line_inches(_NUMBER) for inches in high]
    for n, ratios in enumerate(table.ratios):
        for column, middle in zip(table.shown, table.middles, strict=True):
            if numbered[n]:
                where = (middle, (edges[n] + edges[n + 1]) / 2)
                _number(ax, where, ratios[column], on(tuple(mesh.to_rgba(ratios[column]))))
    return _hatch(ax, table, [not fits for fits in numbered], edges)


def _number(ax: Axes, where: tuple[float, float], value: float, colour: str) -> None:
    text = f"{value:.2f}" if value < 9.995 else f"{value:.3g}"
    if text == "1.00" and value != 1:
        text = f"{value:.3f}"  # three places, to show on which side of 1 it is
    size = points(_NUMBER)
    ax.text(*where, text, ha="center", va="center", fontsize=size, color=colour, clip_on=True)


def _hatch(ax: Axes, table: _RatioTable, wanted: list[bool], edges: list[float]) -> bool:
    """Hatch one rectangle per run of rows that expand; single cells would be thousands."""
    from matplotlib.collections import PolyCollection

    runs = []
    for column in table.shown:
        expands = [
            bad and ratios[column] < 1 for bad, ratios in zip(wanted, table.ratios, strict=True)
        ]
        left, right = table.edges[column], table.edges[column + 1]
        for top, bottom in _runs(expands):
            low, high = edges[top], edges[bottom]
            runs.append([(left, low), (right, low), (right, high), (left, high)])
    if runs:
        drawn = PolyCollection(runs, facecolors="none", edgecolors=ink(ax), linewidths=0)
        drawn.set(hatch="//", alpha=0.4, label="packing expands")
        ax.add_collection(drawn, autolim=False)
    return bool(runs)


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Begin and end of every run of True."""
    position = 0
    for flag, members in groupby(flags):
        length = len(list(members))
        if flag:
            yield position, position + length
        position += length


def _colour_bar(ax: Axes, mesh: QuadMesh) -> None:
    limit = mesh.norm.vmax
    assert isinstance(limit, float)  # noqa: S101 - it was given
    bar = ax.figure.colorbar(mesh, ax=ax, fraction=0.06, pad=0.02, aspect=30)
    most = 3 if size_of(ax)[1] > 2 else 2
    steps = [s for s in (1.05, *_LIMITS) if s <= limit][-most:]
    ticks = [*(1 / s for s in reversed(steps)), 1.0, *steps]
    bar.set_ticks(ticks, labels=[f"{tick:.2f}x" for tick in ticks])
    bar.ax.minorticks_off()
    bar.set_label("< larger     smaller >", fontsize=points(SMALL))
