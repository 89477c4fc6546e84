"""The sizes of a model, read from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Config = Mapping[str, Any]

# Hugging Face spells the same size in several ways; the first key that holds a number counts.
_HUGGING_FACE_KEYS = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads"),
    "head_dim": ("head_dim",),
    "intermediate": ("intermediate_size", "ffn_dim", "n_inner", "hidden_dim"),
    "vocab": ("vocab_size",),
    "positions": ("max_position_embeddings", "n_positions", "n_ctx"),
}

# https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "LLM"; prefixed by "<architecture>."
_GGUF_KEYS = {
    "layers": ("block_count",),
    "hidden": ("embedding_length",),
    "heads": ("attention.head_count",),
    "kv_heads": ("attention.head_count_kv",),
    "head_dim": ("attention.key_length",),
    "intermediate": ("feed_forward_length",),
    "vocab": ("vocab_size",),
    "positions": ("context_length",),
}

GGUF_ARCHITECTURE = "general.architecture"


@dataclass(frozen=True)
class Dimensions:
    """Sizes of a transformer; None where the configuration does not give one.

    Attributes
    ----------
    layers, hidden, heads, kv_heads, head_dim : int or None
        Number of blocks, width of the model, number of query heads, number of key and value heads,
        width of a head.
    intermediate, vocab, positions : int or None
        Width of the MLP, entries of the vocabulary, longest context in tokens.
    """

    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    intermediate: int | None = None
    vocab: int | None = None
    positions: int | None = None


def read_dimensions(config: Config, defaults: Mapping[str, int], mlp_factor: int = 0) -> Dimensions:
    """The sizes in a `config.json` or in GGUF metadata.

    `defaults` and `mlp_factor` come from the family and stand in for missing keys.
    """
    if GGUF_ARCHITECTURE in config:
        return _derived(Dimensions(**_gguf_sizes(config)))
    config = text_config(config)
    left_out = {
        size: value
        for size, value in defaults.items()
        if not any(key in config for key in _HUGGING_FACE_KEYS[size])  # null is not left out
    }
    sizes = _derived(Dimensions(**{**left_out, **_sizes(config, _HUGGING_FACE_KEYS)}))
    if sizes.intermediate is None and sizes.hidden and mlp_factor:
        sizes = replace(sizes, intermediate=mlp_factor * sizes.hidden)
    return sizes


def text_config(config: Config) -> Config:
    """The configuration of the language model in a multimodal one; any other is returned as is."""
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, Mapping) else config


def size_in(config: Config, key: str, default: int) -> int:
    """A size that only some families have."""
    value = config.get(key)
    return value if isinstance(value, int) and _is_size(value) else default


def flag_in(config: Config, key: str, default: bool) -> bool:
    """A switch that only some families have."""
    value = config.get(key)
    return value if isinstance(value, bool) else default


def _gguf_sizes(config: Config) -> dict[str, int]:
    prefix = f"{config[GGUF_ARCHITECTURE]}."
    keys = {size: tuple(prefix + key for key in names) for size, names in _GGUF_KEYS.items()}
    sizes = _sizes(config, keys)
    tokens = config.get("tokenizer.ggml.tokens")
    if "vocab" not in sizes and isinstance(tokens, (list, tuple)):
        sizes["vocab"] = len(tokens)
    return sizes


def _sizes(config: Config, keys: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    sizes = {}
    for size, names in keys.items():
        values = (config.get(name) for name in names)
        value = next((v for v in values if _is_size(v)), None)
        if value is not None:
            sizes[size] = value
    return sizes


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _derived(sizes: Dimensions) -> Dimensions:
    """Fill in sizes that follow from others: head width, and one KV head per query head."""
    if sizes.kv_heads is None:
        sizes = replace(sizes, kv_heads=sizes.heads)
    if sizes.head_dim is None and sizes.hidden and sizes.heads and sizes.hidden >= sizes.heads:
        sizes = replace(sizes, head_dim=sizes.hidden // sizes.heads)
    return sizes
