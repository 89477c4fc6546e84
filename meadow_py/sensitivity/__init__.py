"""`sweep`: the way of quantising and packing that suits each kind of layer."""

from __future__ import annotations

from meadow_py.sensitivity.result import Sensitivity
from meadow_py.sensitivity.run import sweep
from meadow_py.sensitivity.spots import Choice, SweetSpot

__all__ = ["Choice", "Sensitivity", "SweetSpot", "sweep"]
