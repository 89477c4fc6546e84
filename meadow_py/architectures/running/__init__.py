"""Derives the engine's inputs from a configuration and stored tensors."""

from __future__ import annotations

from meadow_py.architectures.running.config import ACTIVATIONS, Activations, RunningConfig
from meadow_py.architectures.running.describing import describe, windows_of
from meadow_py.architectures.running.locating import (
    Located,
    StoredMatrix,
    StoredVector,
    locate,
    matrix_shapes,
)
from meadow_py.architectures.running.running import Running

__all__ = [
    "ACTIVATIONS",
    "Activations",
    "Located",
    "Running",
    "RunningConfig",
    "StoredMatrix",
    "StoredVector",
    "describe",
    "locate",
    "matrix_shapes",
    "windows_of",
]
