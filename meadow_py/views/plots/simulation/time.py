"""Time of a pass, stacked by what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meadow_py.simulator import Simulation
from meadow_py.simulator.components import Waits, waits, waits_by_group
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import Canvas, ground, ink, palette, size_of
from meadow_py.views.plots.labels import SMALL, grow, headings, legend_on_top, points, text_inches
from meadow_py.views.plots.simulation.common import (
    WAIT_LOOKS,
    details,
    phase_of,
    phase_words,
    subject,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = 0.6


def time(simulation: Simulation, canvas: Canvas, *, phase: str | None = None) -> Axes:
    """A bar for the whole pass and one per kind of operations, stacked by what they wait for."""
    name, made = phase_of(simulation, phase)
    bars = {"all": waits(made), **waits_by_group(made)}
    ax = canvas.axes(7.6, 2.2 + 0.42 * len(bars))
    handles = _stack(ax, list(bars.values()))
    _label(ax, bars)
    ax.set_ylim(len(bars) - 0.5, -0.5)
    if name == "decode" and simulation.decode_floor_s_per_token is not None:
        handles.append(_floor(ax, simulation.decode_floor_s_per_token))
    headings(
        ax,
        [
            f"Where the time goes: {phase_words(simulation, name)}, {words.seconds(made.seconds)}",
            subject(simulation),
            details(simulation),
        ],
        "time (waits hidden by a longer one are not shown)",
        "",
    )
    ax.xaxis.set_major_formatter(lambda value, _: words.seconds(value))
    legend_on_top(ax, handles)
    return ax


def _stack(ax: Axes, bars: list[Waits]) -> list[Any]:
    handles = []
    left = [0.0] * len(bars)
    for field, label in words.WAITS:
        widths = [getattr(bar, field) for bar in bars]
        if widths[0] <= 0:
            continue
        place, hatch = WAIT_LOOKS[field]
        drawn = ax.barh(
            range(len(bars)),
            widths,
            _BAR,
            left=left,
            label=label if field != "overhead" else "device's own time",
            color=palette(ax)[place],
            hatch=hatch,
            edgecolor=ground(ax),
            linewidth=0,
        )
        handles.append(drawn)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    return handles


def _floor(ax: Axes, seconds: float) -> Any:
    right = max(ax.get_xlim()[1], seconds * 1.05)
    ax.set_xlim(0, right)
    return ax.vlines(
        [seconds],
        -0.45,
        0.45,
        colors=[ink(ax)],
        linewidths=2.5,
        label="floor: dense weights of the blocks once",
    )


def _label(ax: Axes, bars: dict[str, Waits]) -> None:
    """Label the axis with kinds, and the bars with time and share."""
    ax.set_yticks(range(len(bars)), list(bars))
    ax.tick_params(axis="y", length=0)
    whole = bars["all"].seconds
    said = [f"{words.seconds(b.seconds)}, {b.seconds / whole:.0%}" for b in bars.values()]
    said[0] = words.seconds(whole)
    ax.set_xlim(0, whole)
    room = (max(text_inches(text, SMALL) for text in said) + 0.2) / size_of(ax)[0]
    grow(ax, right=min(0.5, room))
    for n, (text, bar) in enumerate(zip(said, bars.values(), strict=True)):
        ax.annotate(
            text,
            (bar.seconds, n),
            xytext=(points(0.5), 0),
            textcoords="offset points",
            va="center",
            fontsize=points(SMALL),
            color=ink(ax),
        )
