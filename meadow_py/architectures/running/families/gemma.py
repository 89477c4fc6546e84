"""Gemma 1, 2 and 3: scaled embeddings, norms stored less 1, and norms on both sides since 2."""

from __future__ import annotations

from typing import Any

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.config import RunningConfig
from meadow_py.architectures.running.families import llama
from meadow_py.architectures.running.families.rotated import rotated, rotated_as
from meadow_py.architectures.running.options import (
    activation,
    count,
    layer_windows,
    number,
    refuse_layer_types,
    section,
)
from meadow_py.architectures.running.rotary import Rotary, complete, rope_parameters, rotary
from meadow_py.architectures.running.running import Running, Sizes, of_layers, with_bias

_SANDWICH = {
    **llama.NAMES,
    "layers.#.post_attention_layernorm": "layers.#.attention_post_norm",
    "layers.#.pre_feedforward_layernorm": "layers.#.mlp_norm",
    "layers.#.post_feedforward_layernorm": "layers.#.mlp_post_norm",
}


def gemma(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`GemmaForCausalLM`."""
    # Early files say "gelu" and mean its approximation: GemmaConfig.__post_init__.
    means_tanh = config.get("hidden_act") == "gelu"
    entries = {
        "activation": activation({} if means_tanh else config, "hidden_act", "gelu_pytorch_tanh"),
        "attention_scale": sizes.head_dim**-0.5,
        "windows": tuple(gemma_windows(config, sizes.layers)),
        **rotated(rope_parameters(config, sizes.positions), sizes, partial=False),
    }
    return _running(config, sizes, tied, entries)


def gemma2(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`Gemma2ForCausalLM`: every other layer sees a window, scores and logits are capped."""
    entries = {
        **_since_2(config, gemma2_windows(config, sizes.layers)),
        **_capped(config, "attention_softcap", "attn_logit_softcapping", 50.0),
        **_capped(config, "logit_softcap", "final_logit_softcapping", 30.0),
        **rotated(rope_parameters(config, sizes.positions), sizes, partial=False),
    }
    return _running(config, sizes, tied, entries)


def gemma3(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`Gemma3ForCausalLM`: five layers with a window and a base of their own, then one without."""
    entries = {
        **_since_2(config, gemma3_windows(config, sizes.layers)),
        # Gemma3Attention reads attn_logit_softcapping and does not use it.
        **_capped(config, "logit_softcap", "final_logit_softcapping", None),
    }
    of_layer = [int(window > 0) for window in entries["windows"]]
    kinds = [_rotary_3(config, sizes, kind) for kind in ("full", "sliding")]
    entries.update(rotated_as(kinds, of_layer, sizes.head_dim))
    return _running(config, sizes, tied, entries, ("q_norm", "k_norm"))


def gemma_windows(config: Config, layers: int) -> list[int]:
    """Every token sees all before it."""
    refuse_layer_types(config, "full", "Gemma")
    return [0] * layers


def gemma2_windows(config: Config, layers: int) -> list[int]:
    """A window in every other layer, without ``layer_types``."""
    return _windows(config, layers, 2)


def gemma3_windows(config: Config, layers: int) -> list[int]:
    """A window in five of six layers, without ``layer_types`` or another pattern."""
    return _windows(config, layers, count(config, "sliding_window_pattern", None) or 6)


def _windows(config: Config, layers: int, pattern: int) -> list[int]:
    window = count(config, "sliding_window", 4096)
    numbers = range(1, layers + 1)
    types = ["sliding_attention" if layer % pattern else "full_attention" for layer in numbers]
    return layer_windows(config, layers, window, types)


def _since_2(config: Config, windows: list[int]) -> dict[str, Any]:
    """The changes of Gemma 2: windows by layer, a scale of its own, four norms in a block."""
    return {
        "activation": activation(config, "hidden_activation", "gelu_pytorch_tanh"),
        "attention_scale": number(config, "query_pre_attn_scalar", 256.0) ** -0.5,
        "windows": tuple(windows),
        "norm_placement": "sandwich",
    }


def _capped(config: Config, entry: str, key: str, default: float | None) -> dict[str, float]:
    """Null switches a cap off; a key that is left out does not."""
    cap = config.get(key, default)
    return {entry: 0.0 if cap is None else number({key: cap}, key, 0.0)}


def _rotary_3(config: Config, sizes: Sizes, kind: str) -> Rotary:
    """Scaling is for layers that see all; those with a window keep the base of old."""
    found = dict(section(section(config, "rope_parameters"), f"{kind}_attention"))
    if kind == "full":
        found.update(section(config, "rope_scaling"))
        theta = number(config, "rope_theta", 1e6)
    else:
        theta = number(config, "rope_local_base_freq", 1e4)
    return rotary(complete(found, config, sizes.positions, theta), sizes.head_dim)


def _running(
    config: Config,
    sizes: Sizes,
    tied: bool,
    entries: dict[str, Any],
    norms: tuple[str, ...] = (),
) -> Running:
    sandwich = entries.get("norm_placement") == "sandwich"
    after = ("attention_post_norm", "mlp_post_norm") if sandwich else ()
    return Running(
        config=RunningConfig(
            **{**vars(sizes), **entries},
            norm="rms",
            norm_eps=number(config, "rms_norm_eps", 1e-6),
            gated=True,
            embedding_scale=sizes.hidden**0.5,
        ),
        names=_SANDWICH if sandwich else llama.NAMES,
        norms=(*of_layers("attention_norm", "mlp_norm", *after, *norms), "final_norm"),
        biases=with_bias(llama.attention_biases(config)),
        embedding_width=sizes.hidden,
        norm_offset=1.0,
        tied=tied,
    )
