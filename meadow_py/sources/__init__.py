"""Readers: one lazy `Checkpoint` from a hub id, a folder, a file, a module or a dict of arrays."""

from __future__ import annotations

import warnings
from typing import Any

from meadow_py.sources.checkpoint import Checkpoint, Weight
from meadow_py.sources.tensor import Tensor

__all__ = ["Checkpoint", "Tensor", "Weight"]


def __getattr__(name: str) -> Any:
    if name != "open_checkpoint":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import meadow_py

    warnings.warn(
        "meadow_py.sources.open_checkpoint has moved: use meadow_py.open_checkpoint",
        DeprecationWarning,
        stacklevel=2,
    )
    return meadow_py.open_checkpoint
