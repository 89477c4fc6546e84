"""Makes packed models known to Transformers."""

from __future__ import annotations


def register() -> None:
    """Register our quantiser; calling it again changes nothing.

    Raises
    ------
    ImportError
        If this release of Transformers is so old that it takes none.
    """
    from meadow_py.checkpoint.format.card import QUANT_METHOD
    from meadow_py.torch.releases import unsuitable

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
