"""The only place that knows model families: roles, names, shapes, fused and tied tensors."""

from __future__ import annotations

from meadow_py.architectures.architecture import Architecture
from meadow_py.architectures.dimensions import Dimensions
from meadow_py.architectures.fallback import is_buffer
from meadow_py.architectures.resolving import resolve
from meadow_py.architectures.weight import ROLES, Part, Role, WeightSpec

__all__ = [
    "ROLES",
    "Architecture",
    "Dimensions",
    "Part",
    "Role",
    "WeightSpec",
    "is_buffer",
    "resolve",
]
