"""`profile`: where the redundancy of a model's weights is, and what lossless packing saves."""

from __future__ import annotations

from meadow_py.profiler.coded import HuffmanTable, StoredFloats
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
