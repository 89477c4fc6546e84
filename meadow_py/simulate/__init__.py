"""Time, energy and buffers of a model on a named device."""

from __future__ import annotations

from meadow_py.simulate.packing import Decoder, PackedWeight, Packing
from meadow_py.simulate.result import Assumption, Band, Energy, LayerTime, Phase, Simulation

__all__ = [
    "Assumption",
    "Band",
    "Decoder",
    "Energy",
    "LayerTime",
    "PackedWeight",
    "Packing",
    "Phase",
    "Simulation",
]
