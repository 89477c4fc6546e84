"""The real configuration of facebook/opt-125m."""

from __future__ import annotations

import math
from typing import Any

import pytest

from meadow_py.architectures import Dimensions, resolve

CONFIG: dict[str, Any] = {
    "architectures": ["OPTForCausalLM"],
    "do_layer_norm_before": True,
    "ffn_dim": 3072,
    "hidden_size": 768,
    "max_position_embeddings": 2048,
    "model_type": "opt",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "prefix": "</s>",
    "torch_dtype": "float16",
    "vocab_size": 50272,
    "word_embed_proj_dim": 768,
}


def test_dimensions() -> None:
    expected = Dimensions(
        layers=12,
        hidden=768,
        heads=12,
        kv_heads=12,
        head_dim=64,
        intermediate=3072,
        vocab=50272,
        positions=2048,
    )
    assert resolve(CONFIG, {}).dimensions == expected


def test_decoder_weights_add_up_to_what_the_paper_s_traffic_counts() -> None:
    architecture = resolve(CONFIG, {})
    weights = architecture.weights(architecture.expected_shapes())
    sizes = {spec.name: math.prod(spec.shape) for spec in weights}
    blocks = [spec for spec in weights if spec.role.startswith(("attention", "mlp"))]
    assert len(blocks) == 72
    assert sum(sizes[spec.name] for spec in blocks) == 84_934_656
    assert sum(sizes.values()) == 84_934_656 + (50272 + 2050) * 768


def test_shapes_equal_those_of_the_class_in_transformers() -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    with torch.device("meta"):
        model = transformers.OPTForCausalLM(transformers.OPTConfig.from_dict(dict(CONFIG)))
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert shapes.pop("lm_head.weight") == (50272, 768)
    assert resolve(CONFIG, {}).expected_shapes() == shapes


def test_the_published_file_stores_the_head_beside_the_embedding() -> None:
    # pytorch_model.bin of the hub: names without "model.", and lm_head.weight.
    architecture = resolve(CONFIG, {})
    shapes = {
        name.removeprefix("model."): shape for name, shape in architecture.expected_shapes().items()
    }
    both = {**shapes, "lm_head.weight": (50272, 768)}
    architecture = resolve(CONFIG, both)
    assert architecture.tied
    assert architecture.tied_duplicates(both) == {"lm_head.weight": "decoder.embed_tokens.weight"}
    assert [s.name for s in architecture.weights(both)] == [
        s.name for s in architecture.weights(shapes)
    ]
