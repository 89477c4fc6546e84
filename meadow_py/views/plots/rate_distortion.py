"""Bits per weight against SNR: what each way of quantising costs, stored in three ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meadow_py import quantizers
from meadow_py.profiler import Profile, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.spelling import visible
from meadow_py.views.plots import totals
from meadow_py.views.plots.canvas import PALE, Canvas, ink, palette, size_of
from meadow_py.views.plots.labels import (
    SMALL,
    grow,
    headings,
    legend_on_top,
    line_inches,
    points,
    spread,
    subject,
    text_inches,
)
from meadow_py.views.plots.selection import quantizers_of, weights_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMS = ("dense", "plain Huffman", "smallest packing")
_SHAPES = ("o", "s", "D")


@dataclass(frozen=True)
class Line:
    """The line of one way of quantising.

    Attributes
    ----------
    title : str
    rates : tuple of float or None
        Bits per weight in each of `FORMS`; None if the file lacks it.
    snr_db : float or None
        The lowest SNR of the weights; None if quantising lost nothing.
    complete : bool
        Whether all weights of the plot have codes of this kind.
    """

    title: str
    rates: tuple[float | None, ...]
    snr_db: float | None
    complete: bool


def rate_distortion(
    profile: Profile, canvas: Canvas, *, codec: str = totals.BEST, role: str | None = None
) -> Axes:
    """All settings: bits per weight, everything counted, against the lowest SNR of the weights."""
    totals.codecs_of(codec)
    lines = lines_of(profile, weights_of(profile, role=role), codec)
    ax = canvas.axes(7.6, min(9.0, 3.9 + 0.2 * len(lines)))
    heights = _heights(lines)
    handles = [*_draw_lines(ax, lines, heights), *_draw_front(ax, lines, heights)]
    _set_limits(ax, lines, heights)
    headings(
        ax,
        [
            "Size against quality, by way of quantising",
            subject(profile, *([] if role is None else [role])),
            "smallest packing: one chunk size for all weights"
            + ("" if codec == totals.BEST else f", {totals.codec_title(codec)}"),
        ],
        "bits per weight (b/w), everything counted: left is smaller",
        "SNR of the worst weight (dB): up is better",
    )
    legend_on_top(ax, handles, columns=4)
    _label_lines(ax, lines, heights)
    return ax


def lines_of(profile: Profile, weights: Sequence[WeightProfile], codec: str) -> list[Line]:
    """One line per way of quantising, in the order of the run."""
    made = []
    for quantizer in quantizers_of(profile):
        members = [weight for weight in weights if packings_of(weight, quantizer)]
        if members:
            made.append(_line(members, quantizer, codec, len(weights)))
    return made


def _line(weights: list[WeightProfile], quantizer: str, codec: str, asked: int) -> Line:
    stored = totals.smallest(weights, quantizer, codec)
    huffman = totals.known_bits(stored.packings, totals.HUFFMAN)
    sizes = [totals.total_bits(stored.packings, totals.DENSE), huffman, stored.bits]
    known = [p.snr_db for p in stored.packings if p.snr_db is not None]
    complete = len(weights) == asked
    some = "" if complete else f" ({len(weights)} of {asked} weights)"
    return Line(
        title=visible(quantizers.title(quantizer, short=True)) + some,
        rates=tuple(None if bits is None else totals.per_weight(bits, weights) for bits in sizes),
        snr_db=min(known, default=None),
        complete=complete,
    )


def _heights(lines: Sequence[Line]) -> list[float]:
    """Heights of the lines on the axis; lines that lost nothing stand above all others."""
    known = [line.snr_db for line in lines if line.snr_db is not None]
    exact = max(known) + max(6.0, 0.15 * (max(known) - min(known))) if known else 0.0
    return [exact if line.snr_db is None else line.snr_db for line in lines]


def _draw_lines(ax: Axes, lines: Sequence[Line], heights: Sequence[float]) -> list[Any]:
    for line, height in zip(lines, heights, strict=True):
        rates = [rate for rate in line.rates if rate is not None]
        ax.plot([min(rates), max(rates)], [height] * 2, color=PALE, linewidth=1, zorder=1)
    handles: list[Any] = []
    colours = (ink(ax), palette(ax)[0], palette(ax)[1])
    for n, (form, shape, colour) in enumerate(zip(FORMS, _SHAPES, colours, strict=True)):
        known = [
            (r, h)
            for r, h in zip((x.rates[n] for x in lines), heights, strict=True)
            if r is not None
        ]
        if known:
            x, y = zip(*known, strict=True)
            filled = "none" if n == 0 else colour
            handles += ax.plot(
                x,
                y,
                linestyle="none",
                marker=shape,
                color=colour,
                markerfacecolor=filled,
                markersize=points(0.7),
                label=form,
                zorder=3,
            )
    return handles


def front_of(lines: Sequence[Line], heights: Sequence[float]) -> list[tuple[float, float]]:
    """The Pareto front: points that no other of the same weights beats in size and quality."""
    whole = [(line, h) for line, h in zip(lines, heights, strict=True) if line.complete]
    rates = [(rate, height) for line, height in whole for rate in line.rates if rate is not None]
    front: list[tuple[float, float]] = []
    for rate, height in sorted(rates, key=lambda point: (point[0], -point[1])):
        if not front or height > front[-1][1]:
            front.append((rate, height))
    return front


def _draw_front(ax: Axes, lines: Sequence[Line], heights: Sequence[float]) -> list[Any]:
    front = front_of(lines, heights)
    if len(front) < 2:
        return []
    x, y = zip(*front, strict=True)
    return ax.plot(
        x,
        y,
        drawstyle="steps-post",
        color=palette(ax)[2],
        linestyle="--",
        linewidth=1.5,
        label="Pareto front: nothing is smaller and as good",
        zorder=2,
    )


def _set_limits(ax: Axes, lines: Sequence[Line], heights: Sequence[float]) -> None:
    """Make room for the labels on the right, and add a tick for lines that lost nothing."""
    rates = [rate for line in lines for rate in line.rates if rate is not None]
    around = max(0.25, 0.05 * (max(rates) - min(rates)))
    ax.set_xlim(max(0.0, min(rates) - around), max(rates) + around)
    ax.set_ylim(min(heights) - 3, max(heights) + 3)
    exact = [h for line, h in zip(lines, heights, strict=True) if line.snr_db is None]
    if exact:
        below = [tick for tick in ax.get_yticks() if min(heights) - 3 <= tick < exact[0] - 3]
        known = len(exact) < len(lines)
        ticks = below if known else []
        ax.set_yticks([*ticks, exact[0]], [*(f"{tick:g}" for tick in ticks), "exact"])


def _label_lines(ax: Axes, lines: Sequence[Line], heights: Sequence[float]) -> None:
    """Label every line with its name at the right edge; labels do not overlap."""
    width, height = size_of(ax)
    longest = max(text_inches(line.title, SMALL) for line in lines)
    edge = ax.get_xlim()[1]
    grow(ax, right=min(0.5, (longest + 0.4) / width))
    low, high = ax.get_ylim()
    unit = (high - low) / height  # an inch, in units of the axis
    gap = line_inches(SMALL) * 1.05 * unit
    places = spread(heights, gap, low + gap / 2, high - gap / 2)
    across = (ax.get_xlim()[1] - ax.get_xlim()[0]) / width
    for line, height_, place in zip(lines, heights, places, strict=True):
        last = max(rate for rate in line.rates if rate is not None)
        ax.plot(
            [last, edge, edge + 0.15 * across],
            [height_, height_, place],
            color=PALE,
            linewidth=0.6,
            linestyle=":",
            zorder=0,
        )
        ax.text(
            edge + 0.2 * across,
            place,
            line.title,
            va="center",
            fontsize=points(SMALL),
            color=ink(ax),
        )
