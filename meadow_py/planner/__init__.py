"""The storage planner: does a model fit on a device, where, and how fast is it from there."""

from __future__ import annotations

from meadow_py.planner.forms import PRECISIONS
from meadow_py.planner.planning import plan
from meadow_py.planner.result import Footprint, FromStorage, MatrixTiles, Option, Plan, Tiling

__all__ = [
    "PRECISIONS",
    "Footprint",
    "FromStorage",
    "MatrixTiles",
    "Option",
    "Plan",
    "Tiling",
    "plan",
]
