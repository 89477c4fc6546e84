"""OPT, also the 350m: norms after each half, and an embedding narrower than the model."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.config import RunningConfig
from meadow_py.architectures.running.options import activation, count, flag
from meadow_py.architectures.running.running import Running, Sizes, of_layers, with_bias

_NAMES = {
    "embed_tokens": "embedding",
    "embed_positions": "positions",
    "project_in": "project_in",
    "project_out": "project_out",
    "layers.#.self_attn_layer_norm": "layers.#.attention_norm",
    "layers.#.final_layer_norm": "layers.#.mlp_norm",
    "final_layer_norm": "final_norm",
    "lm_head": "head",
}


def opt(config: Config, sizes: Sizes, tied: bool) -> Running:
    """`OPTForCausalLM`."""
    before = flag(config, "do_layer_norm_before", True)
    affine = flag(config, "layer_norm_elementwise_affine", True)
    final = before and not flag(config, "_remove_final_layer_norm", False)
    norms = of_layers("attention_norm", "mlp_norm") if affine else ()
    biased = flag(config, "enable_bias", True)
    return Running(
        config=RunningConfig(
            **vars(sizes),
            norm="layer",
            norm_eps=1e-5,  # torch.nn.LayerNorm's default
            norm_placement="pre" if before else "post",
            activation=activation(config, "activation_function", "relu"),
            gated=False,
            position="learned",
            position_offset=2,  # OPTLearnedPositionalEmbedding.offset
            attention_scale=sizes.head_dim**-0.5,
            windows=(0,) * sizes.layers,
        ),
        names=_NAMES,
        norms=(*norms, "final_norm") if final and affine else norms,
        plain_final_norm=final and not affine,
        biases=with_bias(("q", "k", "v", "o", "up", "down")) if biased else frozenset(),
        embedding_width=count(config, "word_embed_proj_dim", None) or sizes.hidden,
        tied=tied,
    )
