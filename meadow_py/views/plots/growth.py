"""How the dictionary grows with the chunks read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.profiler import Profile, WeightPacking, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.spelling import byte_size
from meadow_py.views.plots.canvas import LINES, MARKERS, Canvas, ink, palette, size_of
from meadow_py.views.plots.labels import (
    SMALL,
    grow,
    headings,
    legend_on_top,
    line_inches,
    percent,
    points,
    quantizer_words,
    spread,
    subject,
    text_inches,
)
from meadow_py.views.plots.selection import quantized_by, quantizer_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES: npt.NDArray[np.float64] = np.linspace(0, 1, 17)  # a profile keeps up to 16 positions
_MARKED = 4  # a marker at every fourth point
_CORNER = 0.03  # keeps the zeros of the two axes apart


@dataclass(frozen=True)
class Curve:
    """The curve of a chunk size: distinct chunks over all chunks, at `SHARES` of chunks read.

    Attributes
    ----------
    chunk_size : int
    together : ndarray
        The curve of all weights added up.
    lowest, highest : float
        Ends of the curves of single weights: the lowest and the highest.
    largest : int
        Size of the largest dictionary in bytes.
    """

    chunk_size: int
    together: npt.NDArray[np.float64]
    lowest: float
    highest: float
    largest: int


def growth(
    profile: Profile,
    canvas: Canvas,
    *,
    bits: int | None = None,
    granularity: str | None = None,
    quantizer: str | None = None,
    weight: str | None = None,
    role: str | None = None,
) -> Axes:
    """A line per chunk size: distinct chunks against chunks read, both as shares of all chunks."""
    key = quantizer_of(profile, bits, granularity, quantizer)
    weights = quantized_by(profile, key, role=role, weight=weight)
    curves = curves_of([packings_of(member, key) for member in weights])
    ax = canvas.axes(8.4, 5.2)
    _draw_curves(ax, curves)
    ax.set_xlim(-_CORNER, 1)
    ax.set_ylim(-_CORNER, 1)
    new = ax.plot([0, 1], [0, 1], color=ink(ax), linestyle=":", label="every chunk is new")
    headings(
        ax,
        [
            "Growth of the dictionaries with the chunks read",
            subject(profile, quantizer_words(key), *_whose(weights, role)),
        ],
        "chunks read, of all chunks of a weight",
        "distinct chunks so far, of all chunks of a weight",
    )
    ax.set_xticks(np.linspace(0, 1, 6 if size_of(ax)[0] > 5 else 3).tolist())
    ax.set_yticks(np.linspace(0, 1, 6).tolist())
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    legend_on_top(ax, new)
    _label_curves(ax, curves, len(weights))
    return ax


def curves_of(packings: Sequence[Sequence[WeightPacking]]) -> list[Curve]:
    """One curve per chunk size, over all the weights.

    Raises
    ------
    ValueError
        If the profile lacks the figures, as files of earlier versions do.
    """
    if not all(packing.growth for some in packings for packing in some):
        raise ValueError(
            "the profile does not hold how dictionaries grow: it was made by an earlier version, "
            "profile the model again"
        )
    return [_curve(same) for same in zip(*packings, strict=True)]


def _curve(packings: Sequence[WeightPacking]) -> Curve:
    chunks = np.array([packing.growth[-1][0] for packing in packings], float)
    distinct = np.array([_at_shares(packing) for packing in packings])
    alone = distinct[:, -1] / chunks
    return Curve(
        chunk_size=packings[0].chunk_size,
        together=distinct.sum(axis=0) / chunks.sum(),
        lowest=float(alone.min()),
        highest=float(alone.max()),
        largest=max(packing.dictionary_bytes for packing in packings),
    )


def _at_shares(packing: WeightPacking) -> npt.NDArray[np.float64]:
    read, distinct = zip((0, 0), *packing.growth, strict=True)
    made: npt.NDArray[np.float64] = np.interp(SHARES * read[-1], read, distinct)
    return made


def _whose(weights: Sequence[WeightProfile], role: str | None) -> list[str]:
    if len(weights) == 1:
        return [weights[0].name]
    return [f"{len(weights)} weights"] + ([] if role is None else [role])


def _draw_curves(ax: Axes, curves: Sequence[Curve]) -> None:
    for n, curve in enumerate(curves):
        ax.plot(
            SHARES,
            curve.together,
            color=palette(ax)[n % len(palette(ax))],
            linestyle=LINES[n % len(LINES)],
            marker=MARKERS[n % len(MARKERS)],
            markevery=(n % _MARKED, _MARKED),
            markersize=points(0.5),
            clip_on=False,
            label=f"_C={curve.chunk_size}",
        )


def _label_curves(ax: Axes, curves: Sequence[Curve], weights: int) -> None:
    """Label every line at the right edge with its chunk size and the size of its dictionary."""
    width, height = size_of(ax)
    labels = [_label(curve, weights) for curve in curves]
    if max(text_inches(label, SMALL) for label in labels) > 0.45 * width:
        labels = [f"C={curve.chunk_size}: {percent(curve.together[-1])}" for curve in curves]
    grow(ax, right=min(0.5, (max(text_inches(label, SMALL) for label in labels) + 0.4) / width))
    low, high = ax.get_ylim()
    lines = 1 + max(label.count("\n") for label in labels)
    gap = lines * line_inches(SMALL) * (high - low) / height
    ends = [float(curve.together[-1]) for curve in curves]
    places = spread(ends, gap, low + gap / 2, high - gap / 2)
    inch = ax.get_xlim()[1] / width
    for n, (label, end, place) in enumerate(zip(labels, ends, places, strict=True)):
        colour = palette(ax)[n % len(palette(ax))]
        ax.plot([1, 1 + 0.2 * inch], [end, place], color=colour, linewidth=0.8, clip_on=False)
        ax.text(1 + 0.25 * inch, place, label, va="center", fontsize=points(SMALL), color=ink(ax))


def _label(curve: Curve, weights: int) -> str:
    label = f"C={curve.chunk_size}: {percent(curve.together[-1])} distinct"
    if weights == 1:
        return f"{label},\ndictionary {byte_size(curve.largest)}"
    ends = f"{percent(curve.lowest)[:-2]} to {percent(curve.highest)}"
    return f"{label} ({ends}),\nlargest dictionary {byte_size(curve.largest)}"
