"""GPT-2 and GPT-Neo: learned positions, norms before each half, a plain MLP."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.config import RunningConfig
from meadow_py.architectures.running.options import activation, count, flag, number
from meadow_py.architectures.running.running import Running, Sizes, of_layers, with_bias

_NAMES = {
    "wte": "embedding",
    "wpe": "positions",
    "h.#.ln_1": "layers.#.attention_norm",
    "h.#.ln_2": "layers.#.mlp_norm",
    "ln_f": "final_norm",
    "lm_head": "head",
}


def gpt2(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`GPT2LMHeadModel`."""
    scaled = flag(config, "scale_attn_weights", True)
    scale = sizes.head_dim**-0.5 if scaled else 1.0
    biases = ("q", "k", "v", "o", "up", "down")
    return _running(config, sizes, tied, scale, (0,) * sizes.layers, biases)


def gpt_neo(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`GPTNeoForCausalLM`: scores are not scaled, every other layer sees a window."""
    windows = neo_windows(config, sizes.layers)
    return _running(config, sizes, tied, 1.0, windows, ("o", "up", "down"))


def _running(
    config: Config,
    sizes: Sizes,
    tied: bool,
    scale: float,
    windows: tuple[int, ...],
    biases: tuple[str, ...],
) -> Running:
    return Running(
        config=RunningConfig(
            **vars(sizes),
            norm="layer",
            norm_eps=number(config, "layer_norm_epsilon", 1e-5),
            activation=activation(config, "activation_function", "gelu_new"),
            gated=False,
            position="learned",
            attention_scale=scale,
            windows=windows,
        ),
        names=_NAMES,
        norms=(*of_layers("attention_norm", "mlp_norm"), "final_norm"),
        biases=with_bias(biases),
        embedding_width=sizes.hidden,
        tied=tied,
    )


def neo_windows(config: Config, layers: int) -> tuple[int, ...]:
    """`attention_types` is ``[[[type, ...], times], ...]``."""
    types = config.get("attention_types") or [[["global", "local"], 12]]
    window = count(config, "window_size", 256) or 256
    try:
        told = sum(times * len(pattern) for pattern, times in types)
        kinds = [kind for pattern, times in types for kind in pattern * min(times, layers)]
        windows = tuple({"global": 0, "local": window}[kind] for kind in kinds)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"configuration: attention_types={types!r}: expected [[types, times], ...] of "
            "'global' and 'local'"
        ) from None
    if told != layers:
        raise ValueError(
            f"configuration: attention_types={types!r} tells {told} layers, expected {layers}"
        )
    _check_neo_layers(config, windows)
    return windows


def _check_neo_layers(config: Config, windows: tuple[int, ...]) -> None:
    """`attention_layers` lists what `attention_types` abbreviates: both must say the same."""
    layers = config.get("attention_layers")
    expected = ["local" if window else "global" for window in windows]
    if layers is not None and (not isinstance(layers, list | tuple) or list(layers) != expected):
        raise ValueError(
            f"configuration: attention_layers={layers!r} contradicts attention_types: "
            f"expected {expected!r}"
        )
