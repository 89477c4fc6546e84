"""Latency against bandwidth under each dataflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.simulator import Simulation
from meadow_py.views import simulation as words
from meadow_py.views.plots.place import Place
from meadow_py.views.plots.simulation.common import (
    FLOW_LOOKS,
    details,
    phase_of,
    phase_words,
    subject,
    vertical,
)
from meadow_py.views.plots.style import PALE, ink, palette
from meadow_py.views.plots.wording import headings, legend_on_top, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bandwidth(
    simulation: Simulation,
    place: Place,
    *,
    phase: str = "prefill",
    bandwidths: npt.ArrayLike | None = None,
) -> Axes:
    """A line for each dataflow, where they cross, and what reading dense weights takes."""
    name, _ = phase_of(simulation, phase)
    curve = simulation.bandwidth_curve(name, bandwidths)
    ax = place.axes(7.6, 4.8)
    gigabits = 8 * curve.bandwidth / 1e9
    handles = []
    for flow, seconds in curve.seconds.items():
        colour, line = FLOW_LOOKS[flow]
        label = words.DATAFLOWS[flow]
        handles += ax.plot(
            gigabits, seconds, line, color=palette(ax)[colour], linewidth=2, label=label
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    _limits(ax, curve.seconds)
    handles += _floor(ax, simulation, curve.bandwidth)
    if curve.bandwidth[0] <= simulation.bandwidth <= curve.bandwidth[-1]:
        vertical(ax, 8 * simulation.bandwidth / 1e9, words.rate(simulation.bandwidth), 0.5)
    for crossing in curve.crossings:
        at = float(np.interp(crossing, curve.bandwidth, curve.seconds["gemm"]))
        label = f"as fast as one another at {words.number(8 * crossing / 1e9)} Gb/s"
        handles += ax.plot(
            [8 * crossing / 1e9], [at], "o", color=ink(ax), markersize=points(0.7), label=label
        )
    headings(
        ax,
        [
            f"Time against bandwidth: {phase_words(simulation, name)}",
            subject(simulation),
            details(simulation, bandwidth=False),
        ],
        "bandwidth of off-chip memory, Gb/s (gigabits)",
        "time",
    )
    ax.xaxis.set_major_formatter(lambda value, _: words.number(value))
    ax.yaxis.set_major_formatter(lambda value, _: words.seconds(value))
    ax.yaxis.set_minor_formatter(lambda value, _: _minor(value))
    ax.grid(True, which="major", alpha=0.3)
    legend_on_top(ax, handles, columns=2)
    return ax


def _floor(ax: Axes, simulation: Simulation, bandwidths: npt.NDArray[np.float64]) -> list[Any]:
    """Where any of it is in view."""
    at_its_own = simulation.decode_floor_s_per_token
    if at_its_own is None:
        return []
    seconds = at_its_own * simulation.bandwidth / bandwidths
    if seconds.max() < ax.get_ylim()[0]:
        return []
    label = "floor: dense weights of the blocks once"
    return ax.plot(8 * bandwidths / 1e9, seconds, ":", color=PALE, label=label)


def _limits(ax: Axes, seconds: dict[str, npt.NDArray[np.float64]]) -> None:
    lowest = min(float(times.min()) for times in seconds.values())
    highest = max(float(times.max()) for times in seconds.values())
    ax.set_ylim(lowest / 1.6, highest * 1.2)


def _minor(value: float) -> str:
    """2 and 5 of every decade: a range of less than a decade has labels too."""
    leading = round(value / 10 ** np.floor(np.log10(value) + 1e-9))
    return words.seconds(value) if leading in (2, 5) else ""
