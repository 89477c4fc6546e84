"""The former name of `meadow_py.sweep`."""

from __future__ import annotations

import warnings

from meadow_py.sweep import Choice, Sensitivity, SweetSpot, sweep

__all__ = ["Choice", "Sensitivity", "SweetSpot", "sweep"]

warnings.warn(
    "meadow_py.sensitivity is now called meadow_py.sweep", DeprecationWarning, stacklevel=2
)
