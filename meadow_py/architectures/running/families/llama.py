"""Llama and the families in its shape: SmolLM, Mistral, Qwen 2 and 3, Phi-3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.config import RunningConfig
from meadow_py.architectures.running.families.rotated import rotated
from meadow_py.architectures.running.options import (
    activation,
    count,
    flag,
    layer_windows,
    number,
    refuse_layer_types,
)
from meadow_py.architectures.running.rotary import rope_parameters
from meadow_py.architectures.running.running import Running, Sizes, of_layers, with_bias

NAMES = {
    "embed_tokens": "embedding",
    "layers.#.input_layernorm": "layers.#.attention_norm",
    "layers.#.post_attention_layernorm": "layers.#.mlp_norm",
    "layers.#.self_attn.q_norm": "layers.#.q_norm",
    "layers.#.self_attn.k_norm": "layers.#.k_norm",
    "norm": "final_norm",
    "lm_head": "head",
}


def llama(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`LlamaForCausalLM`."""
    biases = attention_biases(config)
    if flag(config, "mlp_bias", False):
        biases += ("gate", "up", "down")
    windows = llama_windows(config, sizes.layers)
    return _running(config, sizes, tied, windows=windows, biases=biases)


def llama_windows(config: Config, layers: int) -> list[int]:
    """Every token sees all before it."""
    refuse_layer_types(config, "full", "Llama")
    return [0] * layers


def mistral(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`MistralForCausalLM`: every layer sees a window, unless ``layer_types`` says otherwise."""
    return _running(config, sizes, tied, windows=mistral_windows(config, sizes.layers))


def mistral_windows(config: Config, layers: int) -> list[int]:
    """The same window in every layer, without ``layer_types``."""
    # AutoConfig of transformers takes a Mistral with layer_types for a Ministral.
    window = count(config, "sliding_window", 4096)
    types = ["full_attention" if window is None else "sliding_attention"] * layers
    return layer_windows(config, layers, window, types)


def qwen2(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`Qwen2ForCausalLM`: queries, keys and values have biases."""
    windows = qwen_windows(config, sizes.layers)
    return _running(config, sizes, tied, windows=windows, biases=("q", "k", "v"))


def qwen3(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`Qwen3ForCausalLM`: queries and keys are normed, head by head."""
    return _running(
        config,
        sizes,
        tied,
        windows=qwen_windows(config, sizes.layers),
        biases=attention_biases(config),
        norms=("q_norm", "k_norm"),
    )


def phi3(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`Phi3ForCausalLM`: fused projections, long contexts by LongRoPE."""
    trained = {"original_max_position_embeddings": 4096, **config}
    parameters = rope_parameters(trained, sizes.positions)
    if parameters["rope_type"] in ("su", "yarn"):  # earlier names of it
        parameters["rope_type"] = "longrope"
    parameters.setdefault("partial_rotary_factor", config.get("partial_rotary_factor"))
    windows = phi3_windows(config, sizes.layers)
    rotation = rotated(parameters, sizes)
    return _running(config, sizes, tied, eps=1e-5, windows=windows, rotation=rotation)


def phi3_windows(config: Config, layers: int) -> list[int]:
    """The same window in every layer, or none."""
    window = count(config, "sliding_window", None)
    refuse_layer_types(config, "full" if window is None else "sliding", "Phi-3")
    return [window or 0] * layers


def attention_biases(config: Config) -> tuple[str, ...]:
    """All four projections have a bias, or none."""
    return ("q", "k", "v", "o") if flag(config, "attention_bias", False) else ()


def qwen_windows(config: Config, layers: int) -> list[int]:
    """Only if switched on, and then from layer `max_window_layers` on."""
    used = flag(config, "use_sliding_window", False)
    window = count(config, "sliding_window", 4096) if used else None
    first = _first_window(config)
    default = ["full" if window is None or layer < first else "sliding" for layer in range(layers)]
    return layer_windows(config, layers, window, [f"{kind}_attention" for kind in default])


def _first_window(config: Config) -> int:
    first = config.get("max_window_layers")
    first = 28 if first is None else first
    if not isinstance(first, int) or isinstance(first, bool) or first < 0:
        raise ValueError(
            f"configuration: max_window_layers={first!r}: expected a whole number of at least 0"
        )
    return first


def _running(
    config: Config,
    sizes: Sizes,
    tied: bool,
    *,
    eps: float = 1e-6,
    windows: list[int],
    biases: Iterable[str] = (),
    norms: tuple[str, ...] = (),
    rotation: dict[str, Any] | None = None,
) -> Running:
    if rotation is None:
        parameters = rope_parameters(config, sizes.positions)
        parameters.setdefault("partial_rotary_factor", config.get("partial_rotary_factor"))
        rotation = rotated(parameters, sizes, partial=False)
    return Running(
        config=RunningConfig(
            **{**vars(sizes), **rotation},
            norm="rms",
            norm_eps=number(config, "rms_norm_eps", eps),
            activation=activation(config, "hidden_act", "silu"),
            gated=True,
            attention_scale=sizes.head_dim**-0.5,
            windows=tuple(windows),
        ),
        names=NAMES,
        norms=(*of_layers("attention_norm", "mlp_norm", *norms), "final_norm"),
        biases=with_bias(biases),
        embedding_width=sizes.hidden,
        tied=tied,
    )
