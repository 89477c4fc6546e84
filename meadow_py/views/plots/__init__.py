"""Plots that explain themselves. They only add up and draw the figures of a result."""

from __future__ import annotations

from meadow_py.views.plots.canvas import require_matplotlib
from meadow_py.views.plots.figures import (
    FORMATS,
    check_path,
    draw,
    draw_simulation,
    figure,
    save,
    svg,
)
from meadow_py.views.plots.kinds import KINDS, SIMULATION_KINDS, Kind
from meadow_py.views.plots.selection import named

__all__ = [
    "FORMATS",
    "KINDS",
    "SIMULATION_KINDS",
    "Kind",
    "check_path",
    "draw",
    "draw_simulation",
    "figure",
    "named",
    "require_matplotlib",
    "save",
    "svg",
]
