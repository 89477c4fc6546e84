"""`profile`: where a model's weights are redundant, and what lossless packing saves."""

from __future__ import annotations

from meadow_py.codecs import PacketLayout
from meadow_py.names import moved
from meadow_py.profiler.model import profile
from meadow_py.profiler.result import HostInfo, MeasuredHost, ModelInfo, Profile, ProfileSettings
from meadow_py.profiler.weight_packing import (
    HuffmanTable,
    StoredFloats,
    WeightPacking,
)
from meadow_py.profiler.weight_profile import MeasuredProducts, ValueDistribution, WeightProfile

__all__ = [
    "HostInfo",
    "HuffmanTable",
    "MeasuredHost",
    "MeasuredProducts",
    "ModelInfo",
    "PacketLayout",
    "Profile",
    "ProfileSettings",
    "StoredFloats",
    "ValueDistribution",
    "WeightPacking",
    "WeightProfile",
    "profile",
]

__getattr__ = moved(
    __name__,
    {"Packing": f"{__name__}.WeightPacking", "Settings": f"{__name__}.ProfileSettings"},
    "is now called {now}",
)
