"""Mistral (`MistralForCausalLM`), Mixtral, and Ministral's relatives that keep the names."""

from __future__ import annotations

from meadow_py.architectures.families import llama
from meadow_py.architectures.family import Family, Row

_EXPERTS = (
    Row("layers.#.block_sparse_moe.gate", "other"),
    Row("layers.#.block_sparse_moe.experts.#.w1", "mlp.gate"),
    Row("layers.#.block_sparse_moe.experts.#.w3", "mlp.up"),
    Row("layers.#.block_sparse_moe.experts.#.w2", "mlp.down"),
)

MISTRAL = Family(
    name="mistral",
    model_types=("mistral",),
    prefix="model.",
    before=llama.EMBEDDING,
    block=llama.attention() + llama.gated_mlp() + llama.BLOCK_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    defaults={"kv_heads": 8},
)

MIXTRAL = Family(
    name="mixtral",
    model_types=("mixtral",),
    prefix="model.",
    before=llama.EMBEDDING,
    block=llama.attention() + _EXPERTS + llama.BLOCK_NORMS,
    after=llama.FINAL_NORM,
    head=llama.HEAD,
    signature=("layers.#.block_sparse_moe.experts.#.w1",),
    defaults={"kv_heads": 8},
    expected=False,
)
