"""The sizes of a model, read from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Config = Mapping[str, Any]

# Hugging Face spells the same size in several ways; the first key that is not null counts.
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

# Sizes that some families list layer by layer.
_OF_LAYERS = ("heads", "kv_heads", "head_dim", "intermediate")

# Larger than in any model: a damaged configuration must not make lists without end.
_LARGEST = {"layers": 100_000}
_LARGEST_SIZE = 2**31 - 1

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
        unreadable = _unreadable(*_spelled(config))
        return _derived(Dimensions(**_gguf_sizes(config)), unreadable)
    config = text_config(config)
    unreadable = _unreadable(config, _HUGGING_FACE_KEYS)
    left_out = {
        size: value
        for size, value in defaults.items()
        if not any(key in config for key in _HUGGING_FACE_KEYS[size])  # null is not left out
    }
    found = {**left_out, **_sizes(config, _HUGGING_FACE_KEYS)}
    sizes = _derived(Dimensions(**found), unreadable)
    follows = sizes.intermediate is None and "intermediate" not in unreadable
    if follows and sizes.hidden and mlp_factor:
        sizes = replace(sizes, intermediate=mlp_factor * sizes.hidden)
    return sizes


def unreadable_size(config: Config) -> str | None:
    """Say which size of a configuration is there but cannot be read; None if there is none.

    Such a size is None in `Dimensions`. It never takes a default, nor follows from other sizes.

    Parameters
    ----------
    config : mapping
        Content of `config.json`, or the metadata of a GGUF file.
    """
    config, names_of = _spelled(config)
    layers = _first(config, names_of["layers"])[1]
    for size, names in names_of.items():
        key, value = _first(config, names)
        if value is not None and _as_size(size, value, layers) is None:
            wanted = _wanted(value, size)
            if size in _OF_LAYERS and isinstance(value, list | tuple):
                wanted += ", the same for each layer"
            return f"configuration: {key}={value!r}: expected {wanted}"
    return None


def text_config(config: Config) -> Config:
    """The configuration of the language model in a multimodal one; any other is returned as is."""
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, Mapping) else config


def size_in(config: Config, key: str, default: int) -> int:
    """A size that only some families have; `default` where it is left out or null.

    Raises
    ------
    ValueError
        If it is not a whole number from 1 to the largest size.
    """
    value = config.get(key)
    if value is None:
        return default
    if not _is_size(value):
        raise ValueError(f"configuration: {key}={value!r}: expected {_wanted(value)}")
    return int(value)


def flag_in(config: Config, key: str, default: bool) -> bool:
    """A switch that only some families have; `default` where it is left out or null.

    Raises
    ------
    ValueError
        If it is neither true nor false.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"configuration: {key}={value!r}: expected true or false")
    return value


def _gguf_sizes(config: Config) -> dict[str, int]:
    sizes = _sizes(*_spelled(config))
    tokens = config.get("tokenizer.ggml.tokens")
    if "vocab" not in sizes and isinstance(tokens, (list, tuple)):
        sizes["vocab"] = len(tokens)
    return sizes


def _sizes(config: Config, keys: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    layers = _first(config, keys["layers"])[1]
    sizes = {size: _as_size(size, _first(config, names)[1], layers) for size, names in keys.items()}
    return {size: value for size, value in sizes.items() if value is not None}


def _unreadable(config: Config, keys: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The sizes that the configuration gives, but not as a number that counts."""
    found = _sizes(config, keys)
    given = {size for size, names in keys.items() if _first(config, names)[1] is not None}
    return given - found.keys()


def _spelled(config: Config) -> tuple[Config, dict[str, tuple[str, ...]]]:
    """The configuration that holds the sizes, and the keys that it has for each."""
    if GGUF_ARCHITECTURE not in config:
        return text_config(config), _HUGGING_FACE_KEYS
    prefix = f"{config[GGUF_ARCHITECTURE]}."
    keys = {size: tuple(prefix + key for key in names) for size, names in _GGUF_KEYS.items()}
    return config, keys


def _first(config: Config, names: tuple[str, ...]) -> tuple[str, Any]:
    """The first key that is not null, with its value."""
    return next(((k, config[k]) for k in names if config.get(k) is not None), ("", None))


def _as_size(size: str, value: Any, layers: Any) -> int | None:
    """A size, also from a list that repeats it for every layer."""
    listed = size in _OF_LAYERS and isinstance(value, list | tuple)
    if listed and value and len(value) == layers:
        value = value[0] if all(_is_size(v) and v == value[0] for v in value) else None
    return value if _is_size(value, size) else None


def _is_size(value: object, size: str = "") -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and 0 < value <= _LARGEST.get(size, _LARGEST_SIZE)  # type: ignore[operator]


def _wanted(value: object, size: str = "") -> str:
    """The expectation that `value` fails."""
    largest = _LARGEST.get(size, _LARGEST_SIZE)
    if isinstance(value, int) and value > largest:
        return f"a whole number from 1 to {largest}"
    return "a whole number greater than 0"


def _derived(sizes: Dimensions, unreadable: set[str]) -> Dimensions:
    """Fill in sizes that follow from others: head width, and one KV head per query head."""
    if sizes.kv_heads is None and "kv_heads" not in unreadable:
        sizes = replace(sizes, kv_heads=sizes.heads)
    follows = sizes.head_dim is None and "head_dim" not in unreadable
    if follows and sizes.hidden and sizes.heads and sizes.hidden >= sizes.heads:
        sizes = replace(sizes, head_dim=sizes.hidden // sizes.heads)
    return sizes
