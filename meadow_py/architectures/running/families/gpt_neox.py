"""GPT-NeoX and Pythia: both halves of a block read the same residual, a quarter is rotated."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.config import RunningConfig
from meadow_py.architectures.running.families.rotated import rotated
from meadow_py.architectures.running.options import activation, flag, number
from meadow_py.architectures.running.rotary import rope_parameters
from meadow_py.architectures.running.running import Running, Sizes, of_layers, with_bias

_NAMES = {
    "embed_in": "embedding",
    "layers.#.input_layernorm": "layers.#.attention_norm",
    "layers.#.post_attention_layernorm": "layers.#.mlp_norm",
    "final_layer_norm": "final_norm",
    "embed_out|lm_head": "head",
}


def gpt_neox(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`GPTNeoXForCausalLM`."""
    parameters = rope_parameters(config, sizes.positions, theta_key="rotary_emb_base")
    parameters.setdefault("partial_rotary_factor", config.get("rotary_pct", 0.25))
    attention = ("q", "k", "v", "o") if flag(config, "attention_bias", True) else ()
    return Running(
        config=RunningConfig(
            **{**vars(sizes), **rotated(parameters, sizes)},
            norm="layer",
            norm_eps=number(config, "layer_norm_eps", 1e-5),
            activation=activation(config, "hidden_act", "gelu"),
            gated=False,
            attention_scale=sizes.head_dim**-0.5,
            windows=(0,) * sizes.layers,
            parallel=flag(config, "use_parallel_residual", True),
        ),
        names=_NAMES,
        norms=(*of_layers("attention_norm", "mlp_norm"), "final_norm"),
        biases=with_bias((*attention, "up", "down")),
        embedding_width=sizes.hidden,
        tied=tied,
    )
