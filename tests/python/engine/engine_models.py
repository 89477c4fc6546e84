"""A Llama of transformers in the words of the engine, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from meadow_py import _core

_MATRICES = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
_NORMS = {"attention_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}


def engine_config(config: Any) -> dict[str, Any]:
    """The engine's config of a LlamaConfig without scaled positions."""
    head_dim = config.hidden_size // config.num_attention_heads
    theta = config.rope_parameters["rope_theta"]
    frequencies = 1.0 / theta ** (np.arange(0, head_dim, 2, dtype=np.float32) / head_dim)
    layers = config.num_hidden_layers
    return {
        "layers": layers,
        "hidden": config.hidden_size,
        "heads": config.num_attention_heads,
        "kv_heads": config.num_key_value_heads,
        "head_dim": head_dim,
        "intermediate": config.intermediate_size,
        "vocab": config.vocab_size,
        "positions": config.max_position_embeddings,
        "norm": "rms",
        "norm_eps": config.rms_norm_eps,
        "norm_placement": "pre",
        "activation": "silu",
        "gated": True,
        "parallel": False,
        "activations": "F32",
        "position": "rotary",
        "position_offset": 0,
        "rotary_dim": head_dim,
        "rotary_interleaved": False,
        "rotary_frequencies": frequencies.astype(np.float32)[None],
        "rotary_scale": [1.0],
        "rotary_of_layer": [0] * layers,
        "attention_scale": head_dim**-0.5,
        "windows": [0] * layers,
        "attention_softcap": 0.0,
        "logit_softcap": 0.0,
        "embedding_scale": 1.0,
    }


def matrix(values: np.ndarray[Any, Any]) -> _core.Matrix:
    """A dense F32 matrix over `values [rows, columns]`."""
    rows, columns = values.shape
    stored = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint8)
    return _core.dense_matrix(stored, "F32", rows, columns)


def engine_weights(model: Any) -> tuple[dict[str, _core.Matrix], dict[str, Any]]:
    """Matrices and vectors of a LlamaForCausalLM, without biases."""
    arrays = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    embedding = matrix(arrays["model.embed_tokens.weight"])
    tied = model.config.tie_word_embeddings
    matrices = {"embedding": embedding}
    matrices["head"] = embedding if tied else matrix(arrays["lm_head.weight"])
    vectors = {"final_norm.weight": arrays["model.norm.weight"]}
    for i in range(model.config.num_hidden_layers):
        for ours, theirs in _MATRICES.items():
            matrices[f"layers.{i}.{ours}"] = matrix(arrays[f"model.layers.{i}.{theirs}.weight"])
        for ours, theirs in _NORMS.items():
            vectors[f"layers.{i}.{ours}.weight"] = arrays[f"model.layers.{i}.{theirs}.weight"]
    return matrices, vectors


def engine_of(model: Any) -> _core.Engine:
    """The engine of a LlamaForCausalLM."""
    return _core.Engine(engine_config(model.config), *engine_weights(model))


def small_parts(positions: int = 32) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Config, matrices and vectors of a random Llama of two layers."""
    hidden, heads, kv_heads, head_dim, intermediate, vocab = 16, 4, 2, 4, 24, 30
    config = {
        "layers": 2, "hidden": hidden, "heads": heads, "kv_heads": kv_heads,
        "head_dim": head_dim, "intermediate": intermediate, "vocab": vocab,
        "positions": positions, "norm": "rms", "norm_eps": 1e-5, "norm_placement": "pre",
        "activation": "silu", "gated": True, "parallel": False,
        "activations": "F32", "position": "rotary",
        "position_offset": 0, "rotary_dim": head_dim, "rotary_interleaved": False,
        "rotary_frequencies": np.array([[1.0, 0.1]], np.float32), "rotary_scale": [1.0],
        "rotary_of_layer": [0, 0], "attention_scale": 0.5, "windows": [0, 0],
        "attention_softcap": 0.0, "logit_softcap": 0.0, "embedding_scale": 1.0,
    }  # fmt: skip
    shapes = {
        "q": (heads * head_dim, hidden), "k": (kv_heads * head_dim, hidden),
        "v": (kv_heads * head_dim, hidden), "o": (hidden, heads * head_dim),
        "gate": (intermediate, hidden), "up": (intermediate, hidden),
        "down": (hidden, intermediate),
    }  # fmt: skip
    random = np.random.default_rng(5)
    matrices = {name: matrix(random.normal(size=(vocab, hidden))) for name in ("embedding", "head")}
    for i in range(2):
        for name, shape in shapes.items():
            matrices[f"layers.{i}.{name}"] = matrix(random.normal(size=shape) * 0.3)
    vectors = {"final_norm.weight": random.normal(size=hidden).astype(np.float32)}
    return config, matrices, vectors
