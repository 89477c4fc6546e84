"""Time, energy and buffers of a model on a named device."""

from __future__ import annotations

from meadow_py.simulator.packing import Decoder, PackedWeight, Packing
from meadow_py.simulator.packings import packing_of
from meadow_py.simulator.result import Assumption, Band, Energy, LayerTime, Phase, Simulation
from meadow_py.simulator.run import simulate
from meadow_py.simulator.settings import Settings

__all__ = [
    "Assumption",
    "Band",
    "Decoder",
    "Energy",
    "LayerTime",
    "PackedWeight",
    "Packing",
    "Phase",
    "Settings",
    "Simulation",
    "packing_of",
    "simulate",
]
