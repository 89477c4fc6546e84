"""OPT (`OPTForCausalLM`)."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config, Dimensions, flag_in, size_in
from meadow_py.architectures.family import Facts, Family, Row


def _facts(config: Config, sizes: Dimensions) -> Facts:
    hidden = sizes.hidden or 0
    embedding = size_in(config, "word_embed_proj_dim", hidden)
    affine = flag_in(config, "layer_norm_elementwise_affine", True)
    before = flag_in(config, "do_layer_norm_before", True)
    removed = flag_in(config, "_remove_final_layer_norm", False)
    return {
        "embedding": embedding,
        # The first two positions are kept for padding: OPTLearnedPositionalEmbedding.offset.
        "positions": (sizes.positions or 0) + 2,
        "projected": embedding != hidden,
        "affine": affine,
        "final_norm": affine and before and not removed,
        "biased": flag_in(config, "enable_bias", True),
    }


_BLOCK = (
    Row("layers.#.self_attn.k_proj", "attention.k", ("hidden", "hidden"), bias="biased"),
    Row("layers.#.self_attn.v_proj", "attention.v", ("hidden", "hidden"), bias="biased"),
    Row("layers.#.self_attn.q_proj", "attention.q", ("hidden", "hidden"), bias="biased"),
    Row("layers.#.self_attn.out_proj", "attention.o", ("hidden", "hidden"), bias="biased"),
    Row("layers.#.self_attn_layer_norm", "norm", ("hidden",), bias=True, when="affine"),
    Row("layers.#.fc1", "mlp.up", ("intermediate", "hidden"), bias="biased"),
    Row("layers.#.fc2", "mlp.down", ("hidden", "intermediate"), bias="biased"),
    Row("layers.#.final_layer_norm", "norm", ("hidden",), bias=True, when="affine"),
)

OPT = Family(
    name="opt",
    model_types=("opt",),
    tied=True,
    prefix="model.decoder.",
    before=(
        Row("embed_tokens", "embedding", ("vocab", "embedding")),
        Row("embed_positions", "embedding", ("positions", "hidden")),
        Row("project_in", "other", ("hidden", "embedding"), when="projected"),
    ),
    block=_BLOCK,
    after=(
        Row("final_layer_norm", "norm", ("hidden",), bias=True, when="final_norm"),
        Row("project_out", "other", ("embedding", "hidden"), when="projected"),
    ),
    head=(Row("lm_head", "head", ("vocab", "embedding")),),
    signature=("decoder.layers.#.self_attn.out_proj", "decoder.layers.#.fc1"),
    # BART, Whisper and their like also have a decoder with these names, and an encoder.
    absent=("encoder_attn.q_proj", "encoder.layers.#.fc1"),
    facts=_facts,
)
