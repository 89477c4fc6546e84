"""Readers: one lazy `Checkpoint` from a hub id, a folder, a file, a module or a dict of arrays."""

from __future__ import annotations

from meadow_py.names import moved
from meadow_py.sources.checkpoint import Checkpoint, Weight
from meadow_py.sources.foreign_layouts import ForeignWeight
from meadow_py.sources.tensor import Tensor

__all__ = ["Checkpoint", "ForeignWeight", "Tensor", "Weight"]

__getattr__ = moved(
    __name__, {"open_checkpoint": "meadow_py.open_checkpoint"}, "has moved: use {home}"
)
