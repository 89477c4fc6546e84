"""`profile`: where a model's weights are redundant, and what lossless packing saves."""

from __future__ import annotations

from meadow_py.profiler.coded import HuffmanTable, StoredFloats
from meadow_py.profiler.measured import MeasuredHost, MeasuredProducts
from meadow_py.profiler.result import (
    HostInfo,
    ModelInfo,
    PacketLayout,
    Packing,
    Profile,
    Settings,
    ValueDistribution,
    WeightProfile,
)
from meadow_py.profiler.run import profile

__all__ = [
    "HostInfo",
    "HuffmanTable",
    "MeasuredHost",
    "MeasuredProducts",
    "ModelInfo",
    "PacketLayout",
    "Packing",
    "Profile",
    "Settings",
    "StoredFloats",
    "ValueDistribution",
    "WeightProfile",
    "profile",
]
