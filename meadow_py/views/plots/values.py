"""How values are spread: outliers, and how finely the codes resolve the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.architectures import ROLES
from meadow_py.profiler import Profile, ValueDistribution, WeightProfile
from meadow_py.views.plots import histograms as spreads
from meadow_py.views.plots.canvas import LINES, PALE, Canvas, ink, palette, size_of
from meadow_py.views.plots.labels import (
    SMALL,
    grow,
    headings,
    legend_on_top,
    percent,
    points,
    subject,
    text_inches,
)
from meadow_py.views.plots.selection import weights_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Members = Sequence[tuple[WeightProfile, ValueDistribution]]

_BINS = 300
_NONE = 0.5  # lower end of a logarithmic axis of counts
_FAR = 4.0  # standard deviations: a Gaussian has 0.006 % of its values beyond
_ROW = 0.2  # inches of a row of codes, before the legend is placed
_PRECISIONS = ((8, 127), (4, 7))  # bits, largest symmetric code
_WIDE = 5.0  # width in inches of axes that can hold a long label
_MOST_LINES = 400  # at most this many thin lines


def values(
    profile: Profile, canvas: Canvas, *, weight: str | None = None, role: str | None = None
) -> Axes:
    """One weight in its own unit, or the weights of each role in standard deviations."""
    members = spreads.known(weights_of(profile, role=role, weight=weight))
    roles = len({w.role for w, _ in members})
    varied = [(w, v) for w, v in members if v.std > 0]
    if not varied and len(members) > 1:
        raise ValueError("the values of each weight are all equal: there is no spread to draw")
    ax = canvas.axes(7.6, 4.6 + 0.35 * min(roles, 11))
    if len(members) == 1:
        return _one_weight(ax, profile, *members[0])
    return _by_role(ax, profile, varied)


def _one_weight(
    ax: Axes, profile: Profile, weight: WeightProfile, spread: ValueDistribution
) -> Axes:
    edges = spreads.edges_of(spread)
    counts = np.array(spread.counts, float)
    handles: list[Any] = [
        ax.stairs(
            np.maximum(counts, _NONE),
            edges,
            baseline=_NONE,
            fill=True,
            color=palette(ax)[0],
            label="codes as stored" if spreads.is_stored(weight) else "values",
        )
    ]
    _log_counts(ax, _NONE, float(counts.max()) * 1.5)
    ax.set_xlim(edges[0], edges[-1])
    if spread.std > 0:
        handles += _gaussian(ax, spread, edges)
    handles += _extremes(ax, spread)
    if not spreads.is_stored(weight) and spread.std > 0:
        handles += _rulers(ax, spread)
    unit = "stored code" if spreads.is_stored(weight) else "value of the weight"
    headings(
        ax,
        [
            f"Distribution of the values of {weight.name}",
            subject(profile, f"{weight.count:,} values"),
            _tails(spread),
        ],
        unit,
        "values per code" if spreads.is_stored(weight) else "values per step of INT8 (log)",
    )
    legend_on_top(ax, handles, columns=2)
    return ax


def _tails(spread: ValueDistribution) -> str:
    if spread.std == 0:
        return "all values are equal"
    near = (spread.mean - _FAR * spread.std, spread.mean + _FAR * spread.std)
    beyond = 1 - spreads.share_within(spread, *near)
    gaussian = math.erfc(_FAR / math.sqrt(2))
    return (
        f"about {percent(beyond)} lie beyond {_FAR:g} standard deviations "
        f"(Gaussian: {percent(gaussian)})"
    )


def _gaussian(ax: Axes, spread: ValueDistribution, edges: Any) -> list[Any]:
    x = np.linspace(edges[0], edges[-1], _BINS)
    bell = np.exp(-0.5 * ((x - spread.mean) / spread.std) ** 2)
    expected = sum(spread.counts) * spread.step / spread.std / math.sqrt(2 * math.pi) * bell
    label = "Gaussian of the same mean and deviation"
    expected = np.where(expected >= _NONE, expected, np.nan)
    return ax.plot(x, expected, color=ink(ax), linestyle="--", linewidth=1, label=label)


def _extremes(ax: Axes, spread: ValueDistribution) -> list[Any]:
    """Draw arrows over the bins of the smallest and the largest value."""
    ends = [round(value / spread.step) - spread.first for value in (spread.low, spread.high)]
    heights = [max(1.0, spread.counts[min(max(n, 0), len(spread.counts) - 1)]) for n in ends]
    far = [(v - spread.mean) / spread.std if spread.std else 0 for v in (spread.low, spread.high)]
    return ax.plot(
        [spread.low, spread.high],
        [height * 2 for height in heights],
        linestyle="none",
        marker="v",
        color=palette(ax)[4],
        markersize=points(0.7),
        label=f"farthest: {far[0]:+.1f} and {far[1]:+.1f} deviations",
    )


def _rulers(ax: Axes, spread: ValueDistribution) -> list[Any]:
    """Draw the codes of INT8 and INT4 as ticks of two rulers under the counts."""
    rows = _rows_below(ax, len(_PRECISIONS) + 1)
    end = ax.get_xlim()[1]
    grow(ax, right=(text_inches("INT8", SMALL) + 0.15) / size_of(ax)[0])
    made = []
    for (bits, most), row in zip(_PRECISIONS, rows, strict=False):
        step = spreads.reach(spread) / most
        lost = spreads.share_within(spread, -step / 2, step / 2)
        label = (
            f"codes of INT{bits}: step {step:.3g} = {step / spread.std:.2g} deviations, "
            f"{percent(lost)} of the values become 0"
        )
        made += _ruler(ax, step * np.arange(-most, most + 1), row, palette(ax)[1], label)
        _beside(ax, f"INT{bits}", end, row)
    return made


def _beside(ax: Axes, text: str, x: float, y: float) -> None:
    ax.annotate(
        text,
        (x, y),
        xytext=(points(0.4), 0),
        textcoords="offset points",
        va="center",
        fontsize=points(SMALL),
        color=ink(ax),
    )


def _by_role(ax: Axes, profile: Profile, members: Members) -> Axes:
    roles = [role for role in ROLES if any(w.role == role for w, _ in members)]
    far = max(_far(member) for member in members)
    edges = np.linspace(-far, far, _BINS + 1) * 1.02
    handles: list[Any] = []
    groups = [(role, [member for member in members if member[0].role == role]) for role in roles]
    curves = [(role, some, spreads.density(some, edges)) for role, some in groups]
    rarest = min(1 / sum(weight.count for weight, _ in some) for _, some in groups)
    low = rarest / 3
    if len(roles) == 1:
        _each_weight(ax, members, edges, low)
    _log_counts(ax, low, max(float(c.max()) for _, _, c in curves) * 2)
    ax.set_xlim(edges[0], edges[-1])
    rows = _rows_below(ax, len(roles) + 1)
    for n, ((role, some, curve), row) in enumerate(zip(curves, rows, strict=False)):
        handles += _role_curve(ax, n, role, some, edges, curve, low)
        _role_ruler(ax, n, some, row)
    handles += _standard_gaussian(ax, edges, low)
    headings(
        ax,
        [
            "Distribution of the values, by role",
            subject(profile, f"{len(members)} weights"),
            "ticks below: the codes of INT4 for the weight with the farthest outlier",
        ],
        "value (standard deviations of its weight)",
        "share of the values per standard deviation (log)",
    )
    legend_on_top(ax, handles, columns=2)
    return ax


def _far(member: tuple[WeightProfile, ValueDistribution]) -> float:
    weight, spread = member
    zero = spreads.zero_of(weight, spread)
    return max(abs(spread.low - zero), abs(spread.high - zero)) / spread.std


def _role_curve(
    ax: Axes, n: int, role: str, some: Members, edges: Any, curve: Any, low: float
) -> list[Any]:
    steps = sorted(_far(member) / 7 for member in some)
    label = f"{role} ({len(some)})"
    wide = size_of(ax)[0] > _WIDE
    if wide:
        label += f": to {_far_of(some):.3g} deviations"
    if wide and not spreads.is_stored(some[0][0]):
        finest, coarsest = f"{steps[0]:.2g}", f"{steps[-1]:.2g}"
        several = f"steps of INT4 {finest} to {coarsest}"
        label += f", {several}" if finest != coarsest else f", step of INT4 {finest}"
    return ax.plot(
        (edges[1:] + edges[:-1]) / 2,
        np.where(curve >= low, curve, np.nan),
        color=palette(ax)[n % len(palette(ax))],
        linestyle=LINES[n % len(LINES)],
        linewidth=1.5,
        label=label,
    )


def _far_of(some: Members) -> float:
    return max(_far(member) for member in some)


def _role_ruler(ax: Axes, n: int, some: Members, row: float) -> None:
    if spreads.is_stored(some[0][0]):
        return
    codes = _far_of(some) / 7 * np.arange(-7, 8)
    _ruler(ax, codes, row, palette(ax)[n % len(palette(ax))], "_", LINES[n % len(LINES)])


def _each_weight(ax: Axes, members: Members, edges: Any, low: float) -> None:
    """Draw thin lines in the background, which show how alike the weights are."""
    for member in members[:: -(-len(members) // _MOST_LINES)]:
        curve = spreads.density([member], edges)
        ax.plot(
            (edges[1:] + edges[:-1]) / 2,
            np.where(curve >= low, curve, np.nan),
            color=PALE,
            linewidth=0.5,
            alpha=0.5,
            rasterized=True,  # hundreds of lines would make an SVG large
            zorder=1,
        )


def _standard_gaussian(ax: Axes, edges: Any, low: float) -> list[Any]:
    x = np.linspace(edges[0], edges[-1], _BINS)
    bell = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    bell = np.where(bell >= low, bell, np.nan)
    return ax.plot(x, bell, color=ink(ax), linestyle="--", linewidth=1, label="Gaussian")


def _log_counts(ax: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set_yscale("log")
    ax.set_ylim(low, high)
    decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    ax.yaxis.set_major_locator(FixedLocator([10.0**n for n in decades]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(
        lambda value, _: f"{value:,g}" if value >= 1e-3 else f"{value:.0e}"
    )


def _rows_below(ax: Axes, count: int) -> list[float]:
    """Make room under the data for rows of codes; return where the rows are."""
    low = ax.get_ylim()[0]
    grow(ax, bottom=min(0.4, count * _ROW / size_of(ax)[1]))
    return list(np.geomspace(low, ax.get_ylim()[0], 2 * count + 1)[1::2])


def _ruler(ax: Axes, codes: Any, row: float, colour: Any, label: str, line: Any = "-") -> list[Any]:
    return ax.plot(
        codes,
        np.full(len(codes), row),
        marker="|",
        markersize=points(0.7),
        markeredgewidth=1.0 if len(codes) < 50 else 0.5,
        linestyle=line,
        linewidth=0.5,
        color=colour,
        label=label,
    )
