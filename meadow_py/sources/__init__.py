"""Readers: one lazy `Checkpoint` from a hub id, a folder, a file, a module or a dict of arrays."""

from __future__ import annotations

from meadow_py.sources.checkpoint import Checkpoint, Weight
from meadow_py.sources.open import open_checkpoint
from meadow_py.sources.tensor import Tensor

__all__ = ["Checkpoint", "Tensor", "Weight", "open_checkpoint"]
