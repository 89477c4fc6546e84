"""Plots that explain themselves. They only add up and draw the figures of a result."""

from __future__ import annotations

from meadow_py.views.plots.drawing import draw, draw_simulation, figure
from meadow_py.views.plots.kind import Kind
from meadow_py.views.plots.kinds import KINDS
from meadow_py.views.plots.place import require_matplotlib
from meadow_py.views.plots.saving import FORMATS, check_path, save, svg
from meadow_py.views.plots.selection import named
from meadow_py.views.plots.simulation.kinds import SIMULATION_KINDS

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
