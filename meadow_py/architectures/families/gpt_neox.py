"""GPT-NeoX and Pythia (`GPTNeoXForCausalLM`), with q, k, v interleaved per head."""

from __future__ import annotations

from meadow_py.architectures.dimensions import Config, Dimensions, flag_in
from meadow_py.architectures.family import Facts, Family, Row
from meadow_py.architectures.fused import qkv_per_head


def _facts(config: Config, sizes: Dimensions) -> Facts:
    return {"attention_bias": flag_in(config, "attention_bias", True)}


_BLOCK = (
    Row("layers.#.input_layernorm", "norm", ("hidden",), bias=True),
    Row("layers.#.post_attention_layernorm", "norm", ("hidden",), bias=True),
    Row(
        "layers.#.attention.query_key_value",
        "other",
        ("qkv", "hidden"),
        bias="attention_bias",
        split=qkv_per_head,
    ),
    Row("layers.#.attention.dense", "attention.o", ("hidden", "hidden"), bias="attention_bias"),
    Row("layers.#.mlp.dense_h_to_4h", "mlp.up", ("intermediate", "hidden"), bias=True),
    Row("layers.#.mlp.dense_4h_to_h", "mlp.down", ("hidden", "intermediate"), bias=True),
)

GPT_NEOX = Family(
    name="gpt_neox",
    model_types=("gpt_neox",),
    prefix="gpt_neox.",
    before=(Row("embed_in", "embedding", ("vocab", "hidden")),),
    block=_BLOCK,
    after=(Row("final_layer_norm", "norm", ("hidden",), bias=True),),
    # Files say embed_out; transformers 5 calls the module lm_head.
    head=(Row("embed_out|lm_head", "head", ("vocab", "hidden")),),
    signature=("layers.#.attention.query_key_value", "layers.#.mlp.dense_h_to_4h"),
    facts=_facts,
)
