"""Bytes per role, stacked by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meadow_py.architectures import ROLES
from meadow_py.profiler import Profile, WeightProfile
from meadow_py.spelling import byte_size
from meadow_py.views.plots import totals
from meadow_py.views.plots.canvas import Canvas, ground, ink, palette, size_of
from meadow_py.views.plots.labels import (
    SMALL,
    grow,
    headings,
    legend_on_top,
    points,
    quantizer_words,
    subject,
    text_inches,
)
from meadow_py.views.plots.selection import named, quantized_by, quantizer_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Parts of a bar: name in the legend, parts of the ledger, hatch.
PARTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("dictionary", ("dictionary",), "////"),
    ("indices", ("indices",), ""),
    ("modes, headers, padding", ("codes", "modes", "tables", "header", "padding"), "----"),
    ("scales, zero points", ("scales", "zero_points"), "xxxx"),
)
UNITS = ("bytes", "b/w")
_COLOURS = (1, 0, 2, 3)  # colours of the parts, as places in the palette
_BAR, _HALF = 0.5, 0.25  # height of a bar; rows are 1 apart


@dataclass(frozen=True)
class Bar:
    """The bar of a role: its sizes in bits."""

    role: str
    weights: tuple[WeightProfile, ...]
    stored: totals.PackingTotal
    parts: tuple[int, ...]
    dense: int
    floor: float
    huffman: int | None
    storage: int | None


def role_bytes(
    profile: Profile,
    canvas: Canvas,
    *,
    bits: int | None = None,
    granularity: str | None = None,
    quantizer: str | None = None,
    codec: str = totals.BEST,
    role: str | None = None,
    unit: str = "bytes",
) -> Axes:
    """A bar per role under its smallest packing, beside marks for dense and Huffman."""
    key = quantizer_of(profile, bits, granularity, quantizer)
    named("unit", unit, UNITS)
    totals.codecs_of(codec)
    bars = bars_of(quantized_by(profile, key, role=role), key, codec)
    ax = canvas.axes(7.6, 2.6 + 0.5 * len(bars))
    sizes = [_per_unit(bar, unit) for bar in bars]
    handles = [*_draw_parts(ax, bars, sizes), *_draw_marks(ax, bars, sizes)]
    _label_bars(ax, bars, sizes)
    headings(
        ax,
        [
            "Where the bytes of packed weights go, by role",
            subject(profile, quantizer_words(key)),
            f"each role in one chunk size, {totals.codec_title(codec)}",
        ],
        "bytes of all weights of the role" if unit == "bytes" else "bits per weight (b/w)",
        "role (weights)",
    )
    if unit == "bytes":
        ax.xaxis.set_major_formatter(lambda value, _: byte_size(round(value)))
    ax.set_ylim(len(bars) - 0.5, -0.5)
    legend_on_top(ax, handles)
    return ax


def bars_of(weights: Sequence[WeightProfile], quantizer: str, codec: str) -> list[Bar]:
    """One bar per role that occurs, in the order of `ROLES`."""
    members = [(role, tuple(w for w in weights if w.role == role)) for role in ROLES]
    return [_bar(role, some, quantizer, codec) for role, some in members if some]


def _bar(role: str, weights: tuple[WeightProfile, ...], quantizer: str, codec: str) -> Bar:
    stored = totals.smallest(weights, quantizer, codec)
    ledgers = [packing.ledgers[stored.codec] for packing in stored.packings]
    return Bar(
        role=role,
        weights=weights,
        stored=stored,
        parts=tuple(
            sum(getattr(ledger, name) for ledger in ledgers for name in names)
            for _, names, _ in PARTS
        ),
        dense=totals.total_bits(stored.packings, totals.DENSE),
        floor=totals.floor_bits(weights, stored.packings),
        huffman=totals.known_bits(stored.packings, totals.HUFFMAN),
        storage=totals.known_bits(stored.packings, totals.STORAGE),
    )


def _per_unit(bar: Bar, unit: str) -> float:
    """The number of bits in one unit of the axis."""
    return 8.0 if unit == "bytes" else float(sum(weight.count for weight in bar.weights))


def _draw_parts(ax: Axes, bars: Sequence[Bar], sizes: Sequence[float]) -> list[Any]:
    handles = []
    left = [0.0] * len(bars)
    for n, (label, _, hatch) in enumerate(PARTS):
        widths = [bar.parts[n] / size for bar, size in zip(bars, sizes, strict=True)]
        drawn = ax.barh(
            range(len(bars)),
            widths,
            _BAR,
            left=left,
            label=label,
            color=palette(ax)[_COLOURS[n]],
            hatch=hatch,
            edgecolor=ground(ax),
            linewidth=0,
        )
        handles.append(drawn)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    return handles


def _draw_marks(ax: Axes, bars: Sequence[Bar], sizes: Sequence[float]) -> list[Any]:
    """Mark dense with a line, floor and Huffman with arrows, and storage with a diamond."""
    rows = range(len(bars))
    dense = [bar.dense / size for bar, size in zip(bars, sizes, strict=True)]
    low, high = [n + _HALF + 0.1 for n in rows], [n - _HALF - 0.1 for n in rows]
    handles: list[Any] = [
        ax.vlines(dense, low, high, colors=[ink(ax)], linewidths=2.5, label="dense")
    ]
    for offset, marker, label, sized in (
        (-_HALF - 0.08, "v", "plain Huffman", [bar.huffman for bar in bars]),
        (0.0, "D", "storage codec", [bar.storage for bar in bars]),
        (_HALF + 0.08, "^", "entropy of single codes + scales", [bar.floor for bar in bars]),
    ):
        found = [
            (bits / size, n + offset)
            for n, size, bits in zip(rows, sizes, sized, strict=True)
            if bits is not None
        ]
        if found:
            x, y = zip(*found, strict=True)
            handles += ax.plot(
                x,
                y,
                marker=marker,
                linestyle="none",
                color=ink(ax),
                markeredgecolor=ground(ax),
                markersize=points(0.6),
                label=label,
            )
    return handles


def _label_bars(ax: Axes, bars: Sequence[Bar], sizes: Sequence[float]) -> None:
    """Label the axis with roles, and the bars with ratios and the packings that reach them."""
    labels = [f"{bar.role} ({len(bar.weights)})" for bar in bars]
    ax.set_yticks(range(len(bars)), labels)
    ax.tick_params(axis="y", length=0)
    said = [f"{bar.dense / bar.stored.bits:.2f}x" for bar in bars]
    longer = [f"{text}, {bar.stored.title}" for text, bar in zip(said, bars, strict=True)]
    width = size_of(ax)[0]
    if max(text_inches(text, SMALL) for text in longer) < width * 0.4:
        said = longer
    ends = [max(bar.dense, bar.stored.bits) / size for bar, size in zip(bars, sizes, strict=True)]
    ax.set_xlim(0, max(ends))
    grow(ax, right=min(0.5, (max(text_inches(t, SMALL) for t in said) + 0.2) / width))
    for n, (text, end) in enumerate(zip(said, ends, strict=True)):
        ax.annotate(
            text,
            (end, n),
            xytext=(points(0.5), 0),
            textcoords="offset points",
            va="center",
            fontsize=points(SMALL),
            color=ink(ax),
        )
