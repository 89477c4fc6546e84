"""Qwen 1 (remote code), 2, 2.5 (`Qwen2ForCausalLM`), 3 (`Qwen3ForCausalLM`), and their MoEs."""

from __future__ import annotations

from dataclasses import replace

from meadow_py.architectures.families import llama
from meadow_py.architectures.family import Family, Row
from meadow_py.architectures.fused import qkv_thirds

# Its code is on the hub, not in transformers: y = c_proj(w1(x) * silu(w2(x))), and c_attn is an
# ordinary Linear. `intermediate_size` is twice the width, so shapes are not promised here.
QWEN = Family(
    name="qwen",
    model_types=("qwen",),
    prefix="transformer.",
    before=(Row("wte", "embedding"),),
    block=(
        Row("h.#.ln_1", "norm"),
        Row("h.#.attn.c_attn", "other", split=qkv_thirds),
        Row("h.#.attn.c_proj", "attention.o"),
        Row("h.#.ln_2", "norm"),
        Row("h.#.mlp.w2", "mlp.gate"),
        Row("h.#.mlp.w1", "mlp.up"),
        Row("h.#.mlp.c_proj", "mlp.down"),
    ),
    after=(Row("ln_f", "norm"),),
    head=(Row("lm_head", "head"),),
    signature=("h.#.attn.c_attn", "h.#.mlp.w1", "h.#.mlp.w2"),
    expected=False,
)

QWEN2 = Family(
    name="qwen2",
    model_types=("qwen2",),
    prefix="model.",
    before=llama.EMBEDDING,
    block=llama.attention(qkv_bias=True) + llama.gated_mlp() + llama.BLOCK_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=("layers.#.self_attn.q_proj.bias", "layers.#.mlp.gate_proj"),
    absent=("layers.#.self_attn.o_proj.bias", "layers.#.self_attn.q_norm"),
)

QWEN3 = Family(
    name="qwen3",
    model_types=("qwen3",),
    prefix="model.",
    before=llama.EMBEDDING,
    block=llama.attention("attention_bias", "attention_bias")
    + llama.head_norms()
    + llama.gated_mlp()
    + llama.BLOCK_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=(
        "layers.#.self_attn.q_norm",
        "layers.#.input_layernorm",
        "layers.#.post_attention_layernorm",
        "layers.#.mlp.gate_proj",
    ),
    absent=("layers.#.pre_feedforward_layernorm",),
    facts=llama.attention_bias,
    defaults={"head_dim": 128},
)

QWEN2_MOE = replace(
    QWEN2, name="qwen2_moe", model_types=("qwen2_moe",), signature=(), expected=False
)
QWEN3_MOE = replace(
    QWEN3, name="qwen3_moe", model_types=("qwen3_moe",), signature=(), defaults={}, expected=False
)
