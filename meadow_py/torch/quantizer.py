"""A quantiser, in the sense of Transformers, that tells it that these weights are packed.

It quantises nothing. Weights arrive decoded, so the model is an ordinary dense one. Once loaded, it
carries no trace of the quantiser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from meadow_py.checkpoint.format.card import QUANT_METHOD
from meadow_py.checkpoint.format.layout import VERSION, VERSIONS, unknown_version
from meadow_py.errors import FormatError
from meadow_py.torch.hooks import require_release, wrap_functions
from meadow_py.torch.weight_files import mark, unmarked

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

CONVERSIONS = "_weight_conversions"  # how Transformers turned a file's tensors into parameters


class MeadowConfig(QuantizationConfigMixin):
    """The ``quantization_config`` of a packed model's ``config.json``.

    Raises
    ------
    FormatError
        If the model was packed in a newer format.
    ImportError
        If this release of Transformers cannot load packed models. The message names one that can.
    """

    def __init__(self, version: int = VERSION, **entries: Any) -> None:
        require_release()
        entries["quant_method"] = QUANT_METHOD
        self.__dict__.update(entries)
        self.version = version
        # With this, Transformers treats the model as dense and does not report it as quantised.
        self.dequantize = True
        if type(version) is not int or version not in VERSIONS:
            raise FormatError(f"config.json: {unknown_version(repr(version))}")


class MeadowQuantizer(HfQuantizer):
    """Points Transformers to the packed files, and removes itself from the loaded model."""

    def __init__(self, quantization_config: QuantizationConfigMixin, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        # Packed weights arrive dense. False makes Transformers choose dtypes as for dense weights
        # and read one tensor at a time, so that each is decoded by all threads.
        self.pre_quantized = False
        wrap_functions()

    # The release of Transformers decides which of these two methods is given the configuration: the
    # second from 5.19 on. Both are called before weight files are looked for.

    def update_tp_plan(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """Name the weight files. The plan is unchanged."""
        return self._point(config)

    def update_attn_implementation(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """Name the weight files. The attention is unchanged."""
        return self._point(config)

    def _point(self, config: PreTrainedConfig) -> PreTrainedConfig:
        config.transformers_weights = mark(getattr(config, "transformers_weights", None))
        return config

    def postprocess_model(self, model: PreTrainedModel, **_: Any) -> PreTrainedModel:
        """Make the model indistinguishable from a dense one."""
        # From 5.24 on, the call below removes this as well. Saving needs it to restore the original
        # names and shapes of tensors that were renamed or merged on loading.
        conversions = {key: vars(model)[key] for key in (CONVERSIONS,) if key in vars(model)}
        self.remove_quantization_config(model)  # type: ignore[no-untyped-call]
        vars(model).update(conversions)
        vars(model).pop("is_quantized", None)
        named = unmarked(vars(model.config).pop("transformers_weights"))
        if named is not None:
            model.config.transformers_weights = named
        return model

    def is_serializable(self, **_: Any) -> bool:
        """True: a loaded model is saved as an ordinary dense one."""
        return True

    @property
    def is_trainable(self) -> bool:
        """True: the weights are ordinary parameters."""
        return True
