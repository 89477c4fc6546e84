"""Ratio against bits per weight: what every weight reaches, and the bound of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.architectures import ROLES
from meadow_py.profiler import Profile, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.views.plots import totals
from meadow_py.views.plots.canvas import MARKERS, PALE, Canvas, ground, ink, palette
from meadow_py.views.plots.labels import headings, legend_on_top, points, quantizer_words, subject
from meadow_py.views.plots.selection import quantized_by, quantizer_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 200  # more weights than this are drawn as pixels
_LOG = 12  # from this ratio on, the axis is logarithmic
_TINY = 0.01  # b/w: a weight of one value has entropy 0, and its bound would be infinite


@dataclass(frozen=True)
class Point:
    """A weight: its floor in bits per weight, scales counted, and the ratios it reaches."""

    role: str
    floor: float
    dense: float
    ratio: float
    huffman: float | None
    storage: float | None


def ratio(
    profile: Profile,
    canvas: Canvas,
    *,
    bits: int | None = None,
    granularity: str | None = None,
    quantizer: str | None = None,
    codec: str = totals.BEST,
    role: str | None = None,
) -> Axes:
    """Every weight at its floor and its ratio; no code of single codes gets above the curve."""
    key = quantizer_of(profile, bits, granularity, quantizer)
    totals.codecs_of(codec)
    found = points_of(quantized_by(profile, key, role=role), key, codec)
    ax = canvas.axes(7.6, 5.4)
    handles = _draw_points(ax, found)
    _set_limits(ax, found)
    handles += _draw_bounds(ax, found)
    headings(
        ax,
        [
            "Ratio of every weight, and the bound set by its entropy",
            subject(profile, quantizer_words(key)),
            f"each weight in its own chunk size, {totals.codec_title(codec)}",
        ],
        "entropy of single codes + scales: bits per weight (b/w)",
        "ratio: dense size / packed size, everything counted",
    )
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}x")
    legend_on_top(ax, handles)
    return ax


def points_of(weights: Sequence[WeightProfile], quantizer: str, codec: str) -> list[Point]:
    """One point per weight, in model order."""
    return [_point(weight, quantizer, codec) for weight in weights]


def _point(weight: WeightProfile, quantizer: str, codec: str) -> Point:
    first = packings_of(weight, quantizer)[:1]
    stored = totals.smallest([weight], quantizer, codec)
    dense = totals.total_bits(first, totals.DENSE)
    return Point(
        role=weight.role,
        floor=totals.per_weight(totals.floor_bits([weight], first), [weight]),
        dense=totals.per_weight(dense, [weight]),
        ratio=dense / stored.bits,
        huffman=totals.known_ratio(first, totals.HUFFMAN),
        storage=totals.known_ratio(first, totals.STORAGE),
    )


def _draw_points(ax: Axes, found: Sequence[Point]) -> list[Any]:
    """Draw one shape and colour per role, and crosses for Huffman and the storage codec."""
    handles: list[Any] = []
    many = len(found) > _MANY  # many shapes would make an SVG large
    style: dict[str, Any] = {"color": ink(ax), "alpha": 0.6, "markersize": points(0.5)}
    for marker, label, ratios in (
        ("x", "plain Huffman", [p.huffman for p in found]),
        ("+", "storage codec", [p.storage for p in found]),
    ):
        coded = [(p.floor, y) for p, y in zip(found, ratios, strict=True) if y is not None]
        if coded:
            handles += ax.plot(
                *zip(*coded, strict=True), marker, label=label, rasterized=many, **style
            )
    size = points(0.7 if not many else 0.5)
    for n, role in enumerate(role for role in ROLES if any(p.role == role for p in found)):
        members = [point for point in found if point.role == role]
        handles += ax.plot(
            [point.floor for point in members],
            [point.ratio for point in members],
            linestyle="none",
            marker=MARKERS[n],
            color=palette(ax)[n % len(palette(ax))],
            markeredgecolor=ground(ax),
            markeredgewidth=0.5,
            markersize=size,
            rasterized=many,
            label=f"packed: {role} ({len(members)})",
        )
    return handles


def _set_limits(ax: Axes, found: Sequence[Point]) -> None:
    floors = [point.floor for point in found]
    last = max(found, key=lambda point: point.floor)
    bound = last.dense / max(last.floor, _TINY)  # so that the curve is visible
    ratios = [
        r for p in found for r in (p.ratio, p.huffman, p.storage, bound, 1.0) if r is not None
    ]
    around = max(0.25, 0.06 * (max(floors) - min(floors)))
    ax.set_xlim(max(0.0, min(floors) - around), max(floors) + around)
    above = max(0.1, 0.12 * (max(ratios) - min(ratios)))
    if max(ratios) > _LOG:
        ax.set_yscale("log")
        ax.set_ylim(min(ratios) / 1.3, max(ratios) * 1.3)
    else:
        ax.set_ylim(max(0.0, min(ratios) - above), max(ratios) + above)


def _draw_bounds(ax: Axes, found: Sequence[Point]) -> list[Any]:
    """Draw the floor as a curve, the area beyond it, and dense."""
    low, high = ax.get_xlim()
    dense = max(point.dense for point in found)  # the bound that none of these weights can pass
    top = ax.get_ylim()[1]  # the legend stands above this
    x = np.geomspace(max(low, _TINY, dense / top), high, 300)
    curve = ax.plot(
        x, dense / x, color=ink(ax), linewidth=1.5, label="floor: the bound set by entropy"
    )
    beyond = ax.fill_between(
        x,
        dense / x,
        top,
        facecolor="none",
        edgecolor=PALE,
        hatch="//",
        linewidth=0,
        label="out of reach of any code of single codes",
    )
    line = ax.axhline(
        1, color=ink(ax), linestyle="--", linewidth=1, label="dense: below, it expands"
    )
    return [*curve, beyond, line]
