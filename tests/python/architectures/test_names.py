"""Prefixes, tied heads, buffers, multimodal models: what names say about a tensor."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from meadow_py.architectures import ROLES, Role, is_buffer, resolve

LLAMA: dict[str, tuple[int, ...]] = {
    "model.embed_tokens.weight": (96, 24),
    "model.layers.0.self_attn.q_proj.weight": (24, 24),
    "model.layers.0.self_attn.o_proj.weight": (24, 24),
    "model.layers.0.mlp.gate_proj.weight": (40, 24),
    "model.layers.0.input_layernorm.weight": (24,),
    "model.norm.weight": (24,),
}
HEAD = {"lm_head.weight": (96, 24)}


@pytest.mark.parametrize(
    ("name", "family", "role", "layer"),
    [
        ("decoder.layers.3.fc1.weight", "opt", "mlp.up", 3),
        ("model.decoder.layers.3.self_attn.out_proj.weight", "opt", "attention.o", 3),
        ("model.decoder.embed_positions.weight", "opt", "embedding", None),
        ("model.decoder.project_in.weight", "opt", "other", None),
        ("project_out.weight", "opt", "other", None),
        ("h.11.mlp.c_proj.weight", "gpt2", "mlp.down", 11),
        ("transformer.h.11.attn.c_proj.weight", "gpt2", "attention.o", 11),
        ("wpe.weight", "gpt2", "embedding", None),
        ("_orig_mod.transformer.h.2.attn.attention.k_proj.weight", "gpt_neo", "attention.k", 2),
        ("layers.2.attention.dense.weight", "gpt_neox", "attention.o", 2),
        ("embed_out.weight", "gpt_neox", "head", None),
        ("language_model.model.layers.7.mlp.down_proj.weight", "llama", "mlp.down", 7),
        ("model.language_model.layers.7.mlp.up_proj.weight", "gemma3", "mlp.up", 7),
        ("model.layers.7.self_attn.q_proj", "mistral", "attention.q", 7),
        ("model.layers.1.block_sparse_moe.experts.5.w3.weight", "mixtral", "mlp.up", 1),
        ("model.layers.1.mlp.experts.5.gate_proj.weight", "qwen3_moe", "mlp.gate", 1),
        ("model.layers.1.mlp.gate.weight", "qwen3_moe", "other", 1),
        ("transformer.h.1.mlp.w1.weight", "qwen", "mlp.up", 1),
        ("transformer.h.1.mlp.w2.weight", "qwen", "mlp.gate", 1),
        ("encoder.layer.4.output.dense.weight", "bert", "mlp.down", 4),
        ("bert.encoder.layer.4.attention.output.dense.weight", "bert", "attention.o", 4),
        ("bert.pooler.dense.weight", "bert", "other", None),
        ("classifier.weight", "bert", "other", None),
        ("cls.predictions.decoder.weight", "bert", "head", None),
        ("vit.encoder.layer.4.attention.attention.query.weight", "vit", "attention.q", 4),
        ("deit.encoder.layer.4.intermediate.dense.weight", "deit", "mlp.up", 4),
        ("deit.encoder.layer.4.output.dense.weight", "deit", "mlp.down", 4),
        ("encoder.block.0.layer.1.DenseReluDense.wo.weight", "t5", "mlp.down", 0),
        ("fc1.weight", "lenet", "other", None),
        ("conv1.weight", "lenet", "other", None),
        ("model.layers.0.self_attn.q_proj.lora_A.weight", "llama", "other", 0),
        ("model.layers.5.adapter.embed_tokens.weight", "llama", "embedding", 5),
        ("model.layers.5.adapter.project_in.weight", "opt", "other", 5),
        ("model.layers.0.self_attn.q_proj.weight_scale_inv", "llama", "other", 0),
        ("vision_tower.encoder.layers.3.self_attn.q_proj.weight", "gemma3", "attention.q", None),
        ("model.layers." + "9" * 5000 + ".self_attn.q_proj.weight", "llama", "attention.q", None),
    ],
)
def test_role_and_layer(name: str, family: str, role: Role, layer: int | None) -> None:
    shapes = {name: (8, 4)}
    (spec,) = resolve({"model_type": family}, shapes).weights(shapes)
    assert (spec.role, spec.layer, spec.tensor) == (role, layer, name)
    assert spec.role in ROLES


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"model_type": "opt"}, "opt"),
        ({"architectures": ["GPTNeoXForCausalLM"]}, "gpt_neox"),
        ({"architectures": ["GPT2LMHeadModel"]}, "gpt2"),
        ({"architectures": ["BertModel"]}, "bert"),
        ({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}, "gemma3"),
        ({"model_type": "llava", "text_config": {"model_type": "llama"}}, "llama"),
        ({"general.architecture": "gptneox"}, "gpt_neox"),
        ({"general.architecture": "qwen2moe"}, "qwen2_moe"),
        ({"model_type": "mamba"}, "unknown"),
        ({"model_type": None, "architectures": [None, 3], "text_config": "x"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_family_by_configuration(config: dict[str, Any], family: str) -> None:
    architecture = resolve(config, {})
    assert architecture.family == family
    assert architecture.inferred == (family == "unknown")


def test_another_model_type_is_told_by_names_and_says_so() -> None:
    architecture = resolve({"model_type": "my_llama", "hidden_size": 24}, LLAMA)
    assert (architecture.family, architecture.inferred) == ("llama", True)
    assert architecture.dimensions is not None
    assert architecture.dimensions.hidden == 24


@pytest.mark.parametrize(
    ("config", "stored", "tied"),
    [
        (None, LLAMA, True),
        (None, {**LLAMA, **HEAD}, False),
        (None, {"model.layers.0.self_attn.q_proj.weight": (4, 4)}, False),
        ({"model_type": "llama"}, {}, False),
        ({"model_type": "llama"}, LLAMA, True),
        ({"model_type": "llama", "tie_word_embeddings": False}, LLAMA, False),
        ({"model_type": "llama", "tie_word_embeddings": True}, {**LLAMA, **HEAD}, True),
        ({"model_type": "opt"}, {}, True),
        ({"model_type": "opt", "tie_word_embeddings": False}, {}, False),
        ({"model_type": "llava", "text_config": {"tie_word_embeddings": True}}, HEAD, True),
    ],
)
def test_tied(config: dict[str, Any] | None, stored: dict[str, Any], tied: bool) -> None:
    assert resolve(config, stored).tied is tied


def test_a_tied_head_is_listed_once_and_only_where_it_can_be_a_copy() -> None:
    config = {"model_type": "llama", "tie_word_embeddings": True}
    both = {**HEAD, **LLAMA}
    architecture = resolve(config, both)
    assert architecture.tied_duplicates(both) == {"lm_head.weight": "model.embed_tokens.weight"}
    roles = [spec.role for spec in architecture.weights(both)]
    assert (roles.count("embedding"), roles.count("head")) == (1, 0)
    for stored in (HEAD, {**LLAMA, "lm_head.weight": (97, 24)}):
        assert [s.role for s in architecture.weights(stored)].count("head") == 1
    untied = dataclasses.replace(architecture, tied=False)
    assert [spec.role for spec in untied.weights(both)].count("head") == 1


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("h.0.attn.bias", (1, 1, 1024, 1024)),
        ("h.0.attn.masked_bias", ()),
        ("transformer.h.0.attn.attention.bias", (1, 1, 2048, 2048)),
        ("gpt_neox.layers.0.attention.bias", (1, 1, 8, 8)),
        ("gpt_neox.layers.0.attention.rotary_emb.inv_freq", (16,)),
        ("embeddings.position_ids", (1, 512)),
    ],
)
def test_constants_of_the_program_are_no_weights(name: str, shape: tuple[int, ...]) -> None:
    assert is_buffer(name, shape)
    for config in (None, {"model_type": "gpt2"}, {"model_type": "bert"}):
        architecture = resolve(config, {name: shape})
        assert architecture.weights({name: shape}) == []
        assert architecture.role_of(name) == "other"


@pytest.mark.parametrize("shape", [(1, 1, 8, 9), (1, 2, 8, 8), (8, 8)])
def test_a_bias_of_another_shape_is_no_causal_mask(shape: tuple[int, ...]) -> None:
    assert not is_buffer("h.0.attn.bias", shape)
    assert len(resolve(None, {}).weights({"h.0.attn.bias": shape})) == 1


def test_more_than_two_dimensions_are_seen_as_a_matrix() -> None:
    shapes = {"patch.weight": (16, 3, 14, 14), "experts.down_proj": (8, 24, 40)}
    weights = resolve(None, shapes).weights(shapes)
    assert [(s.shape, s.role) for s in weights] == [((672, 14), "other"), ((192, 40), "other")]


def test_vectors_and_scalars_are_no_weights_and_empty_tensors_are() -> None:
    shapes = {"a": (), "b": (0,), "c": (0, 4), "d": (4, 0), "e": (0, 3, 0)}
    weights = resolve(None, shapes).weights(shapes)
    assert [(s.name, s.shape) for s in weights] == [("c", (0, 4)), ("d", (4, 0)), ("e", (0, 0))]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "there is none"),
        ({"model_type": "opt"}, "layers, hidden, heads"),
        ({"model_type": "mamba", "hidden_size": 4}, "family 'unknown'"),
        ({"model_type": "mixtral"}, "family 'mixtral'"),
        ({"model_type": "llama", "hidden_size": "24"}, "hidden"),
    ],
)
def test_shapes_that_do_not_follow_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(config, {}).expected_shapes()
