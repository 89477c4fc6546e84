"""Llama, and SmolLM with it (`LlamaForCausalLM`); most later families keep its names."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config, Dimensions, flag_in
from meadow_py.architectures.family import Facts, Family, Row


def attention(qkv_bias: bool | str = False, o_bias: bool | str = False) -> tuple[Row, ...]:
    """Four projections, grouped-query."""
    return (
        Row("layers.#.self_attn.q_proj", "attention.q", ("queries", "hidden"), bias=qkv_bias),
        Row("layers.#.self_attn.k_proj", "attention.k", ("keys", "hidden"), bias=qkv_bias),
        Row("layers.#.self_attn.v_proj", "attention.v", ("keys", "hidden"), bias=qkv_bias),
        Row("layers.#.self_attn.o_proj", "attention.o", ("hidden", "queries"), bias=o_bias),
    )


def head_norms() -> tuple[Row, ...]:
    """Norms of queries and keys, over one head (Qwen 3, Gemma 3)."""
    return (
        Row("layers.#.self_attn.q_norm", "norm", ("head_dim",)),
        Row("layers.#.self_attn.k_norm", "norm", ("head_dim",)),
    )


def gated_mlp(bias: bool | str = False) -> tuple[Row, ...]:
    """Gate, up and down projection."""
    return (
        Row("layers.#.mlp.gate_proj", "mlp.gate", ("intermediate", "hidden"), bias=bias),
        Row("layers.#.mlp.up_proj", "mlp.up", ("intermediate", "hidden"), bias=bias),
        Row("layers.#.mlp.down_proj", "mlp.down", ("hidden", "intermediate"), bias=bias),
    )


def norms(*names: str) -> tuple[Row, ...]:
    """RMS norms of a block, over the width of the model."""
    return tuple(Row(f"layers.#.{name}", "norm", ("hidden",)) for name in names)


EMBEDDING = (Row("embed_tokens", "embedding", ("vocab", "hidden")),)
FINAL_NORM = (Row("norm", "norm", ("hidden",)),)
HEAD = (Row("lm_head", "head", ("vocab", "hidden")),)
BLOCK_NORMS = norms("input_layernorm", "post_attention_layernorm")


def attention_bias(config: Config, sizes: Dimensions) -> Facts:
    """For families whose projections have a bias on request."""
    return {
        "attention_bias": flag_in(config, "attention_bias", False),
        "mlp_bias": flag_in(config, "mlp_bias", False),
    }


LLAMA = Family(
    name="llama",
    model_types=("llama",),
    prefix="model.",
    before=EMBEDDING,
    block=attention("attention_bias", "attention_bias") + gated_mlp("mlp_bias") + BLOCK_NORMS,
    after=FINAL_NORM,
    head=HEAD,
    signature=("layers.#.self_attn.o_proj", "layers.#.mlp.gate_proj"),
    facts=attention_bias,
)
