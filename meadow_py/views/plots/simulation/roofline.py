"""Every operation of every layer under the roofs of the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.simulator import LayerTime, Phase, Simulation
from meadow_py.simulator.components import GROUPS, group_of
from meadow_py.spelling import count
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import Canvas, ink
from meadow_py.views.plots.labels import SMALL, headings, legend_on_top, points
from meadow_py.views.plots.simulation.common import details, group_look, subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LARGEST, _STEP = 1.6, 0.25  # sizes of marks: a later kind is smaller and hides none below it


def roofline(simulation: Simulation, canvas: Canvas) -> Axes:
    """A mark for every operation that multiplies: filled for the prompt, hollow for a token."""
    ax = canvas.axes(7.6, 5.2)
    made = {name: _points(phase) for name, phase in words.phases(simulation).items()}
    found = [row for rows in made.values() for row in rows]
    if not found:
        raise ValueError("no operation both multiplies and moves bytes: there is no roofline")
    low, high = _span(simulation, found)
    _roofs(ax, simulation, low, high)
    handles = _marks(ax, made)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(min(_attained(row) for row in found) / 3, 2 * simulation.peak_macs_per_s * 2)
    headings(
        ax,
        [
            "Roofline: every operation of every layer",
            subject(simulation),
            details(simulation),
        ],
        "operations per byte moved (a multiply-accumulate is two)",
        "operations/s",
    )
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.yaxis.set_major_formatter(lambda value, _: count(round(value)))
    legend_on_top(ax, handles)
    return ax


def _points(phase: Phase) -> list[LayerTime]:
    return [row for row in phase.layers if row.macs and row.bytes]


def _intensity(row: LayerTime) -> float:
    return 2 * row.macs / row.bytes


def _attained(row: LayerTime) -> float:
    return 2 * row.macs / row.seconds


def _span(simulation: Simulation, found: list[LayerTime]) -> tuple[float, float]:
    ridge = 2 * simulation.peak_macs_per_s / simulation.bandwidth
    at = [_intensity(row) for row in found]
    return min(*at, ridge) / 2.5, max(*at, ridge) * 4


def _roofs(ax: Axes, simulation: Simulation, low: float, high: float) -> None:
    peak, speed = 2 * simulation.peak_macs_per_s, simulation.bandwidth
    ridge = peak / speed
    ax.plot([low, ridge, high], [low * speed, peak, peak], color=ink(ax), linewidth=2)
    ax.plot([ridge, ridge], [low * speed / 3, peak], color=ink(ax), linestyle=":", linewidth=1)
    said = (
        (high, f"{count(round(peak))}op/s", (-points(0.4), points(0.5)), "right"),
        (ridge / 2, words.rate(speed), (-points(0.4), points(0.2)), "right"),
    )
    for x, text, offset, side in said:
        ax.annotate(
            text,
            (x, min(peak, x * speed)),
            xytext=offset,
            textcoords="offset points",
            fontsize=points(SMALL),
            color=ink(ax),
            ha=side,
            va="bottom",
        )


def _marks(ax: Axes, made: dict[str, list[LayerTime]]) -> list[Any]:
    handles: dict[str, Any] = {}
    for name, rows in made.items():
        for n, group in enumerate(GROUPS):
            some = [row for row in rows if group_of(row.operation) == group]
            if not some:
                continue
            colour, marker = group_look(ax, group)
            x, y = np.array([[_intensity(row), _attained(row)] for row in some]).T
            (drawn,) = ax.plot(
                x,
                y,
                marker,
                color=colour,
                markerfacecolor=colour if name == "prefill" else "none",
                markersize=points(_LARGEST - _STEP * n + (0 if name == "prefill" else _STEP / 2)),
                markeredgewidth=1.5,
                label=f"{group}, {words.PHASE_TITLES[name]}",
            )
            handles[f"{group} {name}"] = drawn
    return list(handles.values())
