"""Checkpoints from a `torch.nn.Module` in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.torch_tensors import distinct, memory_tensor

if TYPE_CHECKING:
    import torch


def is_module(model: Any) -> bool:
    """Whether `model` is a torch module. Imports nothing: if it is one, torch is loaded already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def open_module(module: torch.nn.Module) -> Checkpoint:
    """The parameters and buffers of a module, not copied; shared storage is listed once.

    Raises
    ------
    TypeError
        If a tensor is sparse, quantised by torch, or on the meta device.
    ValueError
        If the module has no tensors, or reading an expanded one would take a giant copy.
    """
    name = type(module).__name__
    import torch

    state = {k: v for k, v in module.state_dict().items() if isinstance(v, torch.Tensor)}
    if not state:
        raise ValueError(f"the module {name} has neither parameters nor buffers")
    tensors = [memory_tensor(key, tensor) for key, tensor in distinct(state).items()]
    return Checkpoint(name, "module", tensors, _config(module))


def _config(module: Any) -> Mapping[str, Any] | None:
    """The configuration as transformers keeps it, if there is one."""
    to_dict = getattr(getattr(module, "config", None), "to_dict", None)
    config = to_dict() if callable(to_dict) else None
    return config if isinstance(config, Mapping) else None
