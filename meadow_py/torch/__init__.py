"""Packed models in torch: importing this lets Transformers load them.

After ``import meadow_py.torch``, ``from_pretrained`` accepts packed folders and hub ids like any
others and returns the dense model. `load_state_dict` also works without Transformers.
"""

from __future__ import annotations

import importlib.util

from meadow_py.sources.torch_tensors import import_torch

import_torch("meadow_py.torch")

from meadow_py.torch.tensors import load_state_dict  # noqa: E402 - after a clear ImportError

__all__ = ["load_state_dict"]


def _register() -> None:
    """Make our quantiser known to Transformers; calling it again changes nothing.

    Raises
    ------
    ImportError
        If this release of Transformers is too old to register quantisers.
    """
    from meadow_py.checkpoint.format.card import QUANT_METHOD
    from meadow_py.torch.hooks import unsuitable

    try:
        from transformers.quantizers.auto import (
            AUTO_QUANTIZER_MAPPING,
            register_quantization_config,
            register_quantizer,
        )
    except ImportError as error:
        raise ImportError(unsuitable()) from error
    from meadow_py.torch.quantizer import MeadowConfig, MeadowQuantizer

    if QUANT_METHOD not in AUTO_QUANTIZER_MAPPING:
        register_quantization_config(QUANT_METHOD)(MeadowConfig)
        register_quantizer(QUANT_METHOD)(MeadowQuantizer)


if importlib.util.find_spec("transformers") is not None:
    _register()
