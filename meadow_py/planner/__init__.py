"""The storage planner: whether a model fits on a device, where, and how fast it runs there."""

from __future__ import annotations

from meadow_py.planner.model_forms import PRECISIONS
from meadow_py.planner.options import plan
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
