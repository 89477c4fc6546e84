"""GGUF metadata in the spelling of `config.json`, and the converter's changes to the tensors.

Sources: ggml's docs/gguf.md for the keys; llama.cpp's converter for what is stored differently from
the original: Llama's rows of q and k, Gemma's norms with 1 added, and Llama 3's rotary scaling as a
vector of divisors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from meadow_py.architectures.dimensions import GGUF_ARCHITECTURE, Config
from meadow_py.architectures.family import Shapes
from meadow_py.architectures.running.options import number
from meadow_py.architectures.running.running import Running, Sizes

_NAMES = {
    "token_embd": "embedding",
    "position_embd": "positions",
    "blk.#.attn_norm": "layers.#.attention_norm",
    "blk.#.attn_q_norm": "layers.#.q_norm",
    "blk.#.attn_k_norm": "layers.#.k_norm",
    "blk.#.post_attention_norm": "layers.#.attention_post_norm",
    "blk.#.ffn_norm": "layers.#.mlp_norm",
    "blk.#.post_ffw_norm": "layers.#.mlp_post_norm",
    "output_norm": "final_norm",
    "output": "head",
}

# Hugging Face's keys for settings that GGUF spells in one way, prefixed by "<architecture>.".
_KEYS = {
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "layer_norm_eps": "attention.layer_norm_epsilon",
    "layer_norm_epsilon": "attention.layer_norm_epsilon",
    "rope_theta": "rope.freq_base",
    "rotary_emb_base": "rope.freq_base",
    "rope_local_base_freq": "rope.freq_base_swa",
    "sliding_window": "attention.sliding_window",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
    "use_parallel_residual": "use_parallel_residual",
}

# The same for settings prefixed by "<architecture>.rope.scaling.".
_SCALING_KEYS = {
    "rope_type": "type",
    "factor": "factor",
    "original_max_position_embeddings": "original_context_length",
    "attention_factor": "attn_factor",
    "beta_fast": "yarn_beta_fast",
    "beta_slow": "yarn_beta_slow",
}

# Width of a head and of the model, for the two models whose scores are scaled by hidden / heads.
_GEMMA_27B = {"gemma2": (128, 4608), "gemma3": (128, 5376)}

_DIVISORS = ("rope_freqs.weight", "rope_factors_short.weight")


def from_gguf(
    describe: Callable[[Config, Sizes, bool], Running],
    metadata: Config,
    sizes: Sizes,
    shapes: Shapes,
    tied: bool,
) -> Running:
    """A model of a GGUF file, by the description of its family.

    Parameters
    ----------
    describe : callable
        The family's.
    metadata : mapping
        Of the file.
    sizes : Sizes
        Of the model.
    shapes : mapping of str to tuple of int
        Of all tensors of the file.
    tied : bool
        Whether the head is the embedding.
    """
    architecture = str(metadata[GGUF_ARCHITECTURE])
    config = _config(metadata, architecture, sizes, shapes)
    made = describe(config, sizes, tied)
    divisors = next((name for name in _DIVISORS if name in shapes), "")
    return replace(
        made,
        names=_NAMES,
        biases=None,
        norm_offset=0.0,
        paired_rows=architecture == "llama",
        divisors=divisors,
    )


def _config(metadata: Config, architecture: str, sizes: Sizes, shapes: Shapes) -> dict[str, Any]:
    prefix = f"{architecture}."
    _refuse(metadata, prefix, sizes)
    config = {
        key: metadata[prefix + theirs]
        for key, theirs in _KEYS.items()
        if prefix + theirs in metadata
    }
    rotated = _whole(metadata, prefix + "rope.dimension_count")
    if rotated:
        share = _share(rotated, sizes.head_dim)
        config["partial_rotary_factor"] = config["rotary_pct"] = share
    config["rope_scaling"] = _scaling(metadata, prefix, shapes)
    if architecture == "llama":
        config.pop("sliding_window", None)  # nor does llama.cpp look at it
    if architecture in _GEMMA_27B:
        config.update(_gemma(metadata, architecture, sizes))
    return config


def _refuse(metadata: Config, prefix: str, sizes: Sizes) -> None:
    if _whole(metadata, prefix + "expert_count"):
        raise ValueError(
            f"mixtures of experts are not supported by the engine: {prefix}expert_count="
            f"{metadata[prefix + 'expert_count']}"
        )
    width = metadata.get(prefix + "attention.value_length", sizes.head_dim)
    if width != sizes.head_dim:
        raise ValueError(
            f"heads with {sizes.head_dim} values of a key and {width} of a value are not supported"
        )


def _whole(metadata: Config, key: str) -> int:
    """A whole number; 0 where it is left out."""
    value = metadata.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"configuration: {key}={value!r}: expected a whole number of at least 0")
    return value


def _share(rotated: int, width: int) -> float:
    """The share of `width` that gives `rotated` when it is cut to a whole number."""
    share = rotated / width
    return share if int(width * share) == rotated else math.nextafter(share, math.inf)


def _scaling(metadata: Config, prefix: str, shapes: Shapes) -> dict[str, Any] | None:
    """Of LongRoPE the factors are divisors, and its scale is given or follows from the lengths."""
    stored = {key: f"{prefix}rope.scaling.{theirs}" for key, theirs in _SCALING_KEYS.items()}
    found = {key: metadata[theirs] for key, theirs in stored.items() if theirs in metadata}
    if found.get("rope_type") == "yarn" and "attention_factor" in found:
        # ggml's rope_yarn multiplies it by the factor that others have instead.
        factor = max(1.0, number(found, "factor", 1.0))
        found["attention_factor"] = number(found, "attention_factor", 1.0) * (
            0.1 * math.log(factor) + 1
        )
    if "rope_factors_short.weight" in shapes:
        pairs = math.prod(shapes["rope_factors_short.weight"])
        return {**found, "rope_type": "longrope", "short_factor": [1.0] * pairs}
    return found if found.get("rope_type") not in (None, "none") else None


def _gemma(metadata: Config, architecture: str, sizes: Sizes) -> dict[str, Any]:
    """The settings that the file lacks: as in llama.cpp, they follow from the size of the model."""
    largest = (sizes.head_dim, sizes.hidden) == _GEMMA_27B[architecture]
    found: dict[str, Any] = {
        "query_pre_attn_scalar": sizes.hidden // sizes.heads if largest else sizes.head_dim
    }
    pattern = metadata.get(f"{architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, int) and not isinstance(pattern, bool):
        found["sliding_window_pattern"] = pattern
    elif isinstance(pattern, list | tuple):
        kinds = {True: "sliding_attention", False: "full_attention"}
        found["layer_types"] = [kinds[bool(slides)] for slides in pattern]
    return found
