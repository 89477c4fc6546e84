"""Latency against bandwidth under each dataflow, and against the size of on-chip buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py.simulator import BufferCurve, Simulation
from meadow_py.spelling import binary_size
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import PALE, Canvas, ink, palette
from meadow_py.views.plots.labels import headings, legend_on_top, points
from meadow_py.views.plots.simulation.common import (
    FLOW_LOOKS,
    details,
    phase_of,
    phase_words,
    subject,
    vertical,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bandwidth(
    simulation: Simulation,
    canvas: Canvas,
    *,
    phase: str = "prefill",
    bandwidths: npt.ArrayLike | None = None,
) -> Axes:
    """A line for each dataflow, where they cross, and what reading dense weights takes."""
    name, _ = phase_of(simulation, phase)
    curve = simulation.bandwidth_curve(name, bandwidths)
    ax = canvas.axes(7.6, 4.8)
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
        label = f"equally fast at {words.number(8 * crossing / 1e9)} Gb/s"
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
    ax.yaxis.set_minor_formatter(_minor_labels(*ax.get_ylim()))
    ax.grid(True, which="major", alpha=0.3)
    legend_on_top(ax, handles, columns=2)
    return ax


def _floor(ax: Axes, simulation: Simulation, bandwidths: npt.NDArray[np.float64]) -> list[Any]:
    """Draw the time of reading dense weights, if any of it is in view."""
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


def _minor_labels(low: float, high: float) -> Callable[[float, float], str]:
    """Labels of the minor ticks at 2 and 5 of every decade, or of all within one decade."""
    labelled = (2, 5) if high > 10 * low else range(2, 10)

    def label(value: float, _: float) -> str:
        leading = round(value / 10 ** np.floor(np.log10(value) + 1e-9))
        return words.seconds(value) if leading in labelled else ""

    return label


_LOOKS = {"prefill": (0, "-"), "decode": (1, "--")}
_NEAR = 1.01  # of the shortest latency: beyond this there is hardly any gain


def buffers(simulation: Simulation, canvas: Canvas) -> Axes:
    """Latency for each size of buffers over the shortest one, for prompt and token."""
    curve = simulation.buffer_curve()
    ax = canvas.axes(7.6, 4.8)
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
            "Time against on-chip memory",
            subject(simulation),
            f"{details(simulation)}, dataflow: {words.DATAFLOWS[simulation.dataflow]}",
        ],
        "on-chip memory: tiles, dictionary, pipeline registers",
        "time relative to the shortest",
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
