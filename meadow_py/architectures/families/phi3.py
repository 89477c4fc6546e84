"""Phi-3 and Phi-4 (`Phi3ForCausalLM`), with fused projections."""

from __future__ import annotations

from meadow_py.architectures.families import llama
from meadow_py.architectures.family import Family, Row
from meadow_py.architectures.fused import gate_up_halves, qkv_by_heads

_BLOCK = (
    Row("layers.#.self_attn.qkv_proj", "other", ("qkv", "hidden"), split=qkv_by_heads),
    Row("layers.#.self_attn.o_proj", "attention.o", ("hidden", "queries")),
    Row("layers.#.mlp.gate_up_proj", "other", ("gate_up", "hidden"), split=gate_up_halves),
    Row("layers.#.mlp.down_proj", "mlp.down", ("hidden", "intermediate")),
    *llama.BLOCK_NORMS,
)

PHI3 = Family(
    name="phi3",
    model_types=("phi3",),
    prefix="model.",
    before=llama.EMBEDDING,
    block=_BLOCK,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=("layers.#.self_attn.qkv_proj", "layers.#.mlp.gate_up_proj"),
)
