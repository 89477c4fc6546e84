"""What Transformers calls a quantiser: it is told that these weights are packed.

It quantises nothing. Weights arrive decoded, so the model is an ordinary dense one, and all traces
of the quantiser are gone from it once it is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from meadow_py.checkpoint.format.card import QUANT_METHOD
from meadow_py.checkpoint.format.layout import VERSION
from meadow_py.errors import FormatError
from meadow_py.torch.hooks import wrap_functions
from meadow_py.torch.releases import require_release
from meadow_py.torch.weight_files import mark, unmarked

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


class MeadowConfig(QuantizationConfigMixin):
    """The ``quantization_config`` of a packed model's ``config.json``.

    Raises
    ------
    FormatError
        If the model was packed in a newer format.
    ImportError
        If this release of Transformers cannot load packed models; names one that can.
    """

    def __init__(self, version: int = VERSION, **entries: Any) -> None:
        require_release()
        entries["quant_method"] = QUANT_METHOD
        self.__dict__.update(entries)
        self.version = version
        # Transformers then takes the model for a dense one, and does not report it as quantised.
        self.dequantize = True
        if type(version) is not int or version != VERSION:
            raise FormatError(
                f"config.json: packed format version {version!r}, this library reads {VERSION}: "
                "update meadow_py"
            )


class MeadowQuantizer(HfQuantizer):
    """Points Transformers to the packed files, and takes itself off the loaded model."""

    def __init__(self, quantization_config: QuantizationConfigMixin, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        # Packed weights arrive as dense ones: False makes Transformers choose dtypes as for these,
        # and read tensors one at a time, each of which is decoded by all threads.
        self.pre_quantized = False
        wrap_functions()

    # Which of these two methods is shown the configuration depends on the release of Transformers:
    # the second from 5.19 on. Both come before the weight files are looked for.

    def update_tp_plan(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """Name the weight files. The plan stays as it is."""
        return self._point(config)

    def update_attn_implementation(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """Name the weight files. The attention stays as it is."""
        return self._point(config)

    def _point(self, config: PreTrainedConfig) -> PreTrainedConfig:
        config.transformers_weights = mark(getattr(config, "transformers_weights", None))
        return config

    def postprocess_model(self, model: PreTrainedModel, **_: Any) -> PreTrainedModel:
        """Leave a model that differs in nothing from a dense one."""
        self.remove_quantization_config(model)  # type: ignore[no-untyped-call]
        vars(model).pop("is_quantized", None)
        named = unmarked(vars(model.config).pop("transformers_weights"))
        if named is not None:
            model.config.transformers_weights = named
        return model

    def is_serializable(self, **_: Any) -> bool:
        """Saved, a loaded model is an ordinary dense one."""
        return True

    @property
    def is_trainable(self) -> bool:
        """Its weights are ordinary parameters."""
        return True
