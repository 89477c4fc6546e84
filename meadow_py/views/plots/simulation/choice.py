"""Which dataflow is the better one over bandwidth and processing elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.simulator import Simulation
from meadow_py.simulator.curves import DataflowMap, dataflow_map
from meadow_py.views import simulation as words
from meadow_py.views.plots.place import Place, root_of
from meadow_py.views.plots.simulation.common import details, phase_of, phase_words, subject
from meadow_py.views.plots.style import diverging, ground, ink
from meadow_py.views.plots.wording import SMALL, headings, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REACH = 0.02  # gains of less are drawn as if they were that large


def choice(
    simulation: Simulation,
    place: Place,
    *,
    phase: str = "prefill",
    bandwidths: npt.ArrayLike | None = None,
    elements: npt.ArrayLike | None = None,
    layout: str = "parallel",
) -> Axes:
    """Blue where TPHS is faster, orange where GEMM is, with a line where they are even."""
    name, _ = phase_of(simulation, phase)
    made = dataflow_map(simulation, name, bandwidths, elements, layout)  # type: ignore[arg-type]
    ax = place.axes(7.6, 5.0)
    _colour(ax, made)
    kept = "" if layout != "parallel" else f", {_broadcasting(simulation):g} of them broadcasting"
    headings(
        ax,
        [
            f"The better dataflow: {phase_words(simulation, name)}",
            subject(simulation),
            details(simulation, bandwidth=False),
        ],
        "bandwidth of off-chip memory, Gb/s (gigabits)",
        f"processing elements{kept}",
    )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    array = simulation.device.compute.pe_array
    if array is not None:
        _here(ax, simulation, made)
    return ax


def _broadcasting(simulation: Simulation) -> float:
    array, given = simulation.device.compute.pe_array, simulation.settings.broadcasting
    return given if given is not None else 0 if array is None else array.broadcasting


def _colour(ax: Axes, made: DataflowMap) -> None:
    from matplotlib.colors import Normalize

    x, y = 8 * made.bandwidth / 1e9, made.elements
    gain = np.log2(made.gain)
    reach = max(float(np.abs(gain).max()), _REACH)
    drawn = ax.pcolormesh(
        x, y, gain, cmap=diverging(ax), norm=Normalize(-reach, reach), shading="nearest"
    )
    drawn.set_rasterized(True)
    if gain.min() < 0 < gain.max() and min(gain.shape) > 1:
        ax.contour(x, y, gain, [0.0], colors=[ink(ax)], linewidths=2)
    bar = root_of(ax).colorbar(drawn, ax=ax)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{2**value:.2f}x")
    bar.set_label("time of GEMM by time of TPHS")
    for flow, chosen in (("TPHS is faster", gain > 0), ("GEMM is faster", gain < 0)):
        _name(ax, flow, chosen, made)


def _name(ax: Axes, text: str, chosen: npt.NDArray[np.bool_], made: DataflowMap) -> None:
    """In the middle of a region of some size."""
    if chosen.mean() < 0.04:
        return
    rows, columns = np.nonzero(chosen)
    row = round(float(rows.mean()))
    inside = columns[rows == row] if (rows == row).any() else columns
    column = round(float(inside.mean()))
    ax.text(
        8 * made.bandwidth[column] / 1e9,
        float(made.elements[row]),
        f"{text} in {chosen.mean():.0%}",
        ha="center",
        va="center",
        fontsize=points(),
        color=ink(ax),
        bbox={"facecolor": ground(ax), "alpha": 0.75, "edgecolor": "none"},
    )


def _here(ax: Axes, simulation: Simulation, made: DataflowMap) -> None:
    """The device of the simulation as a cross."""
    count, speed = made.elements[-1], simulation.bandwidth
    if not made.bandwidth[0] <= speed <= made.bandwidth[-1]:
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
