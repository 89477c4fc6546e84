"""Energy by component, with the range that its sources span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meadow_py.simulator import Band, Simulation
from meadow_py.views import simulation as words
from meadow_py.views.plots.canvas import Canvas, ground, ink, palette, size_of
from meadow_py.views.plots.labels import SMALL, grow, headings, legend_on_top, points, text_inches
from meadow_py.views.plots.simulation.common import (
    ENERGY_LOOKS,
    details,
    phase_of,
    phase_words,
    subject,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = 0.6


def energy(simulation: Simulation, canvas: Canvas, *, phase: str | None = None) -> Axes:
    """A stacked bar of all components and a bar for each, with bands from low to high."""
    name, _ = phase_of(simulation, phase)
    made = words.phase_energy(simulation, name)
    shown = [(f, label, getattr(made, f)) for f, label in words.COMPONENTS if getattr(made, f).high]
    ax = canvas.axes(7.6, 2.4 + 0.45 * (len(shown) + 1))
    handles = _bars(ax, shown)
    bands = [made.total, *(band for _, _, band in shown)]
    handles.append(_whiskers(ax, bands))
    ax.set_yticks(range(len(bands)), ["all", *(label for _, label, _ in shown)])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, made.total.high)
    _label(ax, bands)
    ax.set_ylim(len(bands) - 0.5, -0.5)
    headings(
        ax,
        [
            f"Energy of {phase_words(simulation, name)}: {words.joules(made.total)}",
            subject(simulation),
            f"{details(simulation)}; energies of table {simulation.device.energy}",
        ],
        "energy",
        "",
    )
    ax.xaxis.set_major_formatter(lambda value, _: words.joule(value))
    legend_on_top(ax, handles)
    return ax


def _bars(ax: Axes, shown: list[tuple[str, str, Band]]) -> list[Any]:
    handles, left = [], 0.0
    for row, (field, label, band) in enumerate(shown, 1):
        place, hatch = ENERGY_LOOKS[field]
        drawn = ax.barh(
            [0, row],
            [band.typical] * 2,
            _BAR,
            left=[left, 0.0],
            label=label,
            color=palette(ax)[place],
            hatch=hatch,
            edgecolor=ground(ax),
            linewidth=0,
        )
        handles.append(drawn)
        left += band.typical
    return handles


def _whiskers(ax: Axes, bands: list[Band]) -> Any:
    middle = [band.typical for band in bands]
    reach = [
        [band.typical - band.low for band in bands],
        [band.high - band.typical for band in bands],
    ]
    return ax.errorbar(
        middle,
        range(len(bands)),
        xerr=reach,
        fmt="none",
        ecolor=ink(ax),
        elinewidth=2,
        capsize=points(0.5),
        label="low to high",
    )


def _label(ax: Axes, bands: list[Band]) -> None:
    said = [words.joules(band) for band in bands]
    ends = [(band.high, text) for band, text in zip(bands, said, strict=True)]
    room = (max(text_inches(text, SMALL) for _, text in ends[:1]) + 0.2) / size_of(ax)[0]
    grow(ax, right=min(0.5, room))
    for row, (end, text) in enumerate(ends):
        ax.annotate(
            text,
            (end, row),
            xytext=(points(0.6), 0),
            textcoords="offset points",
            va="center",
            fontsize=points(SMALL),
            color=ink(ax),
        )
