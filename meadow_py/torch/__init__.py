"""Packed models in torch: importing this lets Transformers load them.

After ``import meadow_py.torch``, ``from_pretrained`` accepts packed folders and hub ids like any
others and returns the dense model. `load_state_dict` also works without Transformers.
"""

from __future__ import annotations

import importlib.util

from meadow_py.sources.torch_tensors import import_torch

import_torch("meadow_py.torch")

from meadow_py.torch.state_dict import load_state_dict  # noqa: E402 - after a clear ImportError

__all__ = ["load_state_dict"]

if importlib.util.find_spec("transformers") is not None:
    from meadow_py.torch.registration import register

    register()
