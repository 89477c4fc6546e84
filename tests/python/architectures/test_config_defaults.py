"""What a configuration leaves out is what its class in transformers fills in."""

from __future__ import annotations

import pytest

from meadow_py.architectures import resolve
from meadow_py.architectures.families import FAMILIES
from meadow_py.architectures.family import Family

OURS_TO_THEIRS = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "intermediate": "intermediate_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "vocab": "vocab_size",
    "positions": "max_position_embeddings",
}


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if family.defaults], ids=lambda family: family.name
)
def test_defaults(family: Family) -> None:
    auto = pytest.importorskip("transformers").AutoConfig
    filled_in = auto.for_model(family.model_types[-1])
    assert family.defaults
    for ours, value in family.defaults.items():
        assert getattr(filled_in, OURS_TO_THEIRS[ours]) == value


# Qwen 1's class is on the hub, not in transformers.
IN_TRANSFORMERS = [family for family in FAMILIES if family.name != "qwen"]


@pytest.mark.parametrize("family", IN_TRANSFORMERS, ids=lambda family: family.name)
def test_tied_by_default(family: Family) -> None:
    auto = pytest.importorskip("transformers").AutoConfig
    assert family.model_types
    for model_type in family.model_types:
        filled_in = auto.for_model(model_type)
        tied = getattr(filled_in, "tie_word_embeddings", False)  # encoders of images have none
        assert resolve({"model_type": model_type}, {}).tied == tied


def test_a_published_multimodal_configuration_that_leaves_sizes_out() -> None:
    # The text_config of google/gemma-3-4b-it names three sizes.
    text = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34}
    config = {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "text_config": {**text, "model_type": "gemma3_text"},
    }
    shapes = resolve(config, {}).expected_shapes()
    assert shapes["model.embed_tokens.weight"] == (262208, 2560)
    assert shapes["model.layers.33.self_attn.q_proj.weight"] == (2048, 2560)
    assert shapes["model.layers.33.self_attn.k_proj.weight"] == (1024, 2560)


@pytest.mark.parametrize("model_type", ["qwen3", "llama"])
def test_null_is_not_a_missing_key(model_type: str) -> None:
    auto = pytest.importorskip("transformers").AutoConfig
    config = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": None}
    filled_in = auto.for_model(model_type, **config)
    sizes = resolve({"model_type": model_type, **config}, {}).dimensions
    assert sizes is not None
    assert sizes.kv_heads == filled_in.num_key_value_heads == 4
