"""Bytes per role, stacked by where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meadow_py.architectures import ROLES
from meadow_py.profiler.result import Profile, WeightProfile
from meadow_py.spelling import byte_size
from meadow_py.views.plots import totals
from meadow_py.views.plots.place import Place, size_of
from meadow_py.views.plots.selection import Setting, named, setting_of, with_setting
from meadow_py.views.plots.style import ground, ink, palette
from meadow_py.views.plots.wording import (
    SMALL,
    grow,
    headings,
    legend_on_top,
    points,
    setting_words,
    subject,
    text_inches,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where bits go: what a legend calls it, the parts of a ledger, a hatch.
PARTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("dictionary", ("dictionary",), "////"),
    ("indices", ("indices",), ""),
    ("modes, headers, padding", ("codes", "modes", "tables", "header", "padding"), "----"),
    ("scales, zero points", ("scales", "zero_points"), "xxxx"),
)
UNITS = ("bytes", "b/w")
_COLOURS = (1, 0, 2, 3)  # of the palette, of the parts
_BAR, _HALF = 0.5, 0.25  # height of a bar; rows are 1 apart


@dataclass(frozen=True)
class Bar:
    """A role: its sizes in bits."""

    role: str
    weights: tuple[WeightProfile, ...]
    stored: totals.Stored
    parts: tuple[int, ...]
    dense: int
    floor: float
    huffman: int | None
    storage: int | None


def role_bytes(
    profile: Profile,
    place: Place,
    *,
    bits: int | None = None,
    granularity: str | None = None,
    codec: str = totals.BEST,
    role: str | None = None,
    unit: str = "bytes",
) -> Axes:
    """A bar per role, packed as it gets smallest; what dense and Huffman take beside it."""
    setting = setting_of(profile, bits, granularity)
    named("unit", unit, UNITS)
    totals.codecs_of(codec)
    bars = bars_of(with_setting(profile, setting, role=role), setting, codec)
    ax = place.axes(7.6, 2.6 + 0.5 * len(bars))
    sizes = [_per_unit(bar, unit) for bar in bars]
    handles = [*_draw_parts(ax, bars, sizes), *_draw_marks(ax, bars, sizes)]
    _label_bars(ax, bars, sizes)
    headings(
        ax,
        [
            "Where the bytes of packed weights go, by role",
            subject(profile, setting_words(setting)),
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


def bars_of(weights: Sequence[WeightProfile], setting: Setting, codec: str) -> list[Bar]:
    """One per role that is there, in the order of `ROLES`."""
    members = [(role, tuple(w for w in weights if w.role == role)) for role in ROLES]
    return [_bar(role, some, setting, codec) for role, some in members if some]


def _bar(role: str, weights: tuple[WeightProfile, ...], setting: Setting, codec: str) -> Bar:
    stored = totals.smallest(weights, setting, codec)
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
    """How many bits one unit of the axis is."""
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
    """Dense as a line, floor and Huffman as arrows from below and above, storage as a diamond."""
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
    """Roles beside the axis; ratios, and what they were reached with, beside the bars."""
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
