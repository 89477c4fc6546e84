"""Latency against the size of on-chip buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from meadow_py.simulator import BufferCurve, Simulation
from meadow_py.spelling import binary_size
from meadow_py.views import simulation as words
from meadow_py.views.plots.place import Place
from meadow_py.views.plots.simulation.common import details, subject, vertical
from meadow_py.views.plots.style import ink, palette
from meadow_py.views.plots.wording import headings, legend_on_top, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = {"prefill": (0, "-"), "decode": (1, "--")}
_NEAR = 1.01  # of the shortest: what hardly gains any more


def buffers(simulation: Simulation, place: Place) -> Axes:
    """How many times the shortest latency each size of buffers gives, for prompt and token."""
    curve = simulation.buffer_curve()
    ax = place.axes(7.6, 4.8)
    total = curve.total_bytes
    handles: list[Any] = []
    for n, name in enumerate(words.phases(simulation)):
        handles += _line(ax, curve, name, n)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_ylim(bottom=0.9)
    _device(ax, simulation, float(total[0]), float(total[-1]))
    headings(
        ax,
        [
            "What on-chip memory buys",
            subject(simulation),
            details(simulation),
            f"dataflow: {words.DATAFLOWS[simulation.dataflow]}; smallest shown: "
            f"{binary_size(round(float(total[0])))}",
        ],
        "on-chip memory: tiles, dictionary, pipeline registers",
        "time, times the shortest",
    )
    ax.xaxis.set_major_formatter(lambda value, _: binary_size(round(value)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}x")
    ax.yaxis.set_minor_formatter(lambda *_: "")
    ax.grid(True, alpha=0.3)
    legend_on_top(ax, handles, columns=2)
    return ax


def _line(ax: Axes, curve: BufferCurve, name: str, n: int) -> list[Any]:
    times = curve.seconds(name)
    shortest = float(times.min())
    colour, line = _LOOKS[name]
    label = f"{words.PHASE_TITLES[name]}: shortest {words.seconds(shortest)}"
    made = ax.plot(
        curve.total_bytes,
        times / shortest,
        line,
        color=palette(ax)[colour],
        linewidth=2,
        drawstyle="steps-post",
        label=label,
    )
    enough = int(np.flatnonzero(times <= _NEAR * shortest)[0])
    size = binary_size(round(float(curve.total_bytes[enough])))
    made += ax.plot(
        [curve.total_bytes[enough]],
        [times[enough] / shortest],
        "os"[n],
        color=palette(ax)[colour],
        markeredgecolor=ink(ax),
        markersize=points(0.8),
        label=f"{size}: within 1 % of it",
    )
    return made


def _device(ax: Axes, simulation: Simulation, low: float, high: float) -> None:
    has = simulation.settings.on_chip or simulation.device.on_chip.total.value
    if low <= has <= high:
        vertical(ax, has, f"the device has {binary_size(round(has))}", top=0.3)
