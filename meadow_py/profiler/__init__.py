"""`profile`: where a model's weights are redundant, and what lossless packing saves."""

from __future__ import annotations

from typing import Any

from meadow_py.codecs import PacketLayout
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

_FORMER_NAMES = {"Packing": WeightPacking, "Settings": ProfileSettings}


def __getattr__(name: str) -> Any:
    if name not in _FORMER_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    found = _FORMER_NAMES[name]
    message = f"meadow_py.profiler.{name} is now called {found.__name__}"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return found
