"""Plots that a reader understands without the code. They add up and draw what a profile holds."""

from __future__ import annotations

from meadow_py.views.plots.drawing import draw, figure
from meadow_py.views.plots.kinds import KINDS, Kind
from meadow_py.views.plots.place import require_matplotlib
from meadow_py.views.plots.saving import FORMATS, check_path, save, svg

__all__ = [
    "FORMATS",
    "KINDS",
    "Kind",
    "check_path",
    "draw",
    "figure",
    "require_matplotlib",
    "save",
    "svg",
]
