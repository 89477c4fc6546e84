"""Predicted time, energy and buffer sizes of a model on a named device."""

from __future__ import annotations

from meadow_py.simulator.buffers import BufferCurve, BufferNeed, buffer_curve
from meadow_py.simulator.dataflow_maps import DataflowMap, dataflow_map
from meadow_py.simulator.named_packings import Ratio, packing_of
from meadow_py.simulator.packing import Decoder, PackedWeight, Packing
from meadow_py.simulator.packing_tables import PackingRow, PackingTable, packing_table
from meadow_py.simulator.phase import Assumption, Band, Energy, LayerTime, Phase
from meadow_py.simulator.prediction import simulate
from meadow_py.simulator.profile_packing import ProfilePacking
from meadow_py.simulator.result import Simulation
from meadow_py.simulator.settings import Settings
from meadow_py.simulator.sweeps import SweepTable, sweep

__all__ = [
    "Assumption",
    "Band",
    "BufferCurve",
    "BufferNeed",
    "DataflowMap",
    "Decoder",
    "Energy",
    "LayerTime",
    "PackedWeight",
    "Packing",
    "PackingRow",
    "PackingTable",
    "Phase",
    "ProfilePacking",
    "Ratio",
    "Settings",
    "Simulation",
    "SweepTable",
    "buffer_curve",
    "dataflow_map",
    "packing_of",
    "packing_table",
    "simulate",
    "sweep",
]
