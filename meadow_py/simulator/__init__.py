"""Predicted time, energy and buffer sizes of a model on a named device."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Loaded on first use: a simulation needs no tables, maps or curves.
_HOME_OF = {
    "Assumption": "meadow_py.simulator.phase",
    "Band": "meadow_py.simulator.phase",
    "BufferCurve": "meadow_py.simulator.buffers",
    "BufferNeed": "meadow_py.simulator.buffers",
    "DataflowMap": "meadow_py.simulator.dataflow_maps",
    "Decoder": "meadow_py.simulator.packing",
    "Energy": "meadow_py.simulator.phase",
    "LayerTime": "meadow_py.simulator.phase",
    "PackedWeight": "meadow_py.simulator.packing",
    "Packing": "meadow_py.simulator.packing",
    "PackingRow": "meadow_py.simulator.packing_tables",
    "PackingTable": "meadow_py.simulator.packing_tables",
    "Phase": "meadow_py.simulator.phase",
    "ProfilePacking": "meadow_py.simulator.profile_packing",
    "Ratio": "meadow_py.simulator.named_packings",
    "Settings": "meadow_py.simulator.settings",
    "Simulation": "meadow_py.simulator.result",
    "SweepTable": "meadow_py.simulator.sweeps",
    "buffer_curve": "meadow_py.simulator.buffers",
    "dataflow_map": "meadow_py.simulator.dataflow_maps",
    "packing_of": "meadow_py.simulator.named_packings",
    "packing_table": "meadow_py.simulator.packing_tables",
    "simulate": "meadow_py.simulator.prediction",
    "sweep": "meadow_py.simulator.sweeps",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
