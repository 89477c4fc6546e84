"""Gemma 1, 2 and 3 (`GemmaForCausalLM`, `Gemma2ForCausalLM`, `Gemma3ForCausalLM`)."""

from __future__ import annotations

from meadow_py.architectures.families import llama
from meadow_py.architectures.family import Family

_ATTENTION = llama.attention("attention_bias", "attention_bias")
_FOUR_NORMS = llama.norms(
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
)

GEMMA = Family(
    name="gemma",
    model_types=("gemma",),
    tied=True,
    prefix="model.",
    before=llama.EMBEDDING,
    block=_ATTENTION + llama.gated_mlp() + llama.BLOCK_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    facts=llama.attention_bias,
    defaults={"head_dim": 256},
)

GEMMA2 = Family(
    name="gemma2",
    model_types=("gemma2",),
    tied=True,
    prefix="model.",
    before=llama.EMBEDDING,
    block=_ATTENTION + llama.gated_mlp() + _FOUR_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=("layers.#.pre_feedforward_layernorm", "layers.#.mlp.gate_proj"),
    absent=("layers.#.self_attn.q_norm",),
    facts=llama.attention_bias,
    defaults={"head_dim": 256, "kv_heads": 4},
)

GEMMA3 = Family(
    name="gemma3",
    model_types=("gemma3", "gemma3_text"),
    tied=True,
    prefix="model.",
    before=llama.EMBEDDING,
    block=_ATTENTION + llama.head_norms() + llama.gated_mlp() + _FOUR_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=(
        "layers.#.pre_feedforward_layernorm",
        "layers.#.self_attn.q_norm",
        "layers.#.mlp.gate_proj",
    ),
    facts=llama.attention_bias,
    # Published multimodal files leave these out of their text_config.
    defaults={"heads": 8, "kv_heads": 4, "head_dim": 256, "vocab": 262208, "positions": 131072},
)
