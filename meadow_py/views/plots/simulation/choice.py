"""The better dataflow, over bandwidth and number of processing elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.simulator import DataflowMap, Simulation
from meadow_py.simulator.dataflow_maps import Growth
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import Canvas, diverging, ground, ink, root_of
from meadow_py.views.plots.labels import SMALL, headings, points
from meadow_py.views.plots.simulation.common import details, phase_words, subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REACH = 0.02  # smaller gains are drawn as if they were this large


def choice(
    simulation: Simulation,
    canvas: Canvas,
    *,
    bandwidths: Sequence[float] | None = None,
    elements: Sequence[int] | None = None,
    growth: Growth = "parallel",
) -> Axes:
    """Blue where TPHS is faster, orange where GEMM is, with a line where they are even."""
    array = simulation.device.compute.pe_array
    made = simulation.dataflow_map(bandwidths, elements, growth)
    ax = canvas.axes(7.6, 5.0)
    _colour(ax, made)
    kept = f", {array.broadcasting} of them broadcasting" if array and growth == "parallel" else ""
    headings(
        ax,
        [
            f"The better dataflow of attention: {phase_words(simulation, 'prefill')}",
            subject(simulation),
            details(simulation, bandwidth=False),
        ],
        "bandwidth of off-chip memory, Gb/s (gigabits)",
        f"processing elements{kept}",
    )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    _here(ax, simulation, made)
    return ax


def _colour(ax: Axes, made: DataflowMap) -> None:
    from matplotlib.colors import Normalize

    x, y = 8 * made.bandwidths / 1e9, made.elements
    gain = np.log2(made.gemm_s / made.tphs_s)
    reach = max(float(np.abs(gain).max()), _REACH)
    drawn = ax.pcolormesh(
        x, y, gain, cmap=diverging(ax), norm=Normalize(-reach, reach), shading="nearest"
    )
    drawn.set_rasterized(True)
    if gain.min() < 0 < gain.max() and min(gain.shape) > 1:
        ax.contour(x, y, gain, [0.0], colors=[ink(ax)], linewidths=2)
    bar = root_of(ax).colorbar(drawn, ax=ax)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{2**value:.2f}x")
    bar.set_label("attention: time of GEMM by time of TPHS")
    for flow, chosen in (("TPHS is faster", gain > 0), ("GEMM is faster", gain < 0)):
        _name(ax, flow, chosen, made)


def _name(ax: Axes, text: str, chosen: npt.NDArray[np.bool_], made: DataflowMap) -> None:
    """Put the name in the widest rows of a region, which may have two parts."""
    if chosen.mean() < 0.04:
        return
    widths = chosen.sum(axis=1)
    widest = np.flatnonzero(widths >= 0.6 * widths.max())
    row = int(widest[len(widest) // 2])
    columns = np.flatnonzero(chosen[row])
    column = int(columns[len(columns) // 2])
    ax.text(
        8 * made.bandwidths[column] / 1e9,
        float(made.elements[row]),
        f"{text} in {chosen.mean():.0%}",
        ha="center",
        va="center",
        fontsize=points(),
        color=ink(ax),
        bbox={"facecolor": ground(ax), "alpha": 0.75, "edgecolor": "none"},
    )


def _here(ax: Axes, simulation: Simulation, made: DataflowMap) -> None:
    """Mark the device of the simulation with a cross."""
    count, speed = int(made.elements.max()), simulation.bandwidth
    array = simulation.device.compute.pe_array
    inside = made.bandwidths.min() <= speed <= made.bandwidths.max()
    if array is None or count != array.count or not inside:
        return
    ax.plot([8 * speed / 1e9], [count], "X", color=ink(ax), markersize=points(0.9), clip_on=False)
    ax.annotate(
        "as simulated",
        (8 * speed / 1e9, count),
        xytext=(points(0.8), -points(0.9)),
        textcoords="offset points",
        fontsize=points(SMALL),
        color=ink(ax),
    )
