"""The names that GGUF files give to the tensors of every family.

Source: gguf-py's `constants.TENSOR_NAMES`. The converter stores fused projections as all
queries, all keys, all values, also where the original interleaves them per head, and permutes
the rows of q and k of Llama for its rotary embedding: the rows are the same, in another order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from meadow_py.architectures.family import Family, Row
from meadow_py.architectures.fused import gate_up_if_doubled, qkv_by_heads

_NORMS = (
    "attn_norm",
    "attn_norm_2",
    "attn_q_norm",
    "attn_k_norm",
    "attn_sub_norm",
    "attn_output_norm",
    "post_attention_norm",
    "ffn_norm",
    "ffn_sub_norm",
    "post_ffw_norm",
    "layer_output_norm",
)

_BLOCK = (
    *(Row(f"blk.#.{name}", "norm") for name in _NORMS),
    Row("blk.#.attn_q", "attention.q"),
    Row("blk.#.attn_k", "attention.k"),
    Row("blk.#.attn_v", "attention.v"),
    Row("blk.#.attn_qkv", "other", split=qkv_by_heads),
    Row("blk.#.attn_output", "attention.o"),
    Row("blk.#.ffn_gate", "mlp.gate"),
    Row("blk.#.ffn_up", "mlp.up", split=gate_up_if_doubled),
    Row("blk.#.ffn_down", "mlp.down"),
    Row("blk.#.ffn_gate_inp", "other"),
    Row("blk.#.ffn_gate_exps|ffn_gate_shexp", "mlp.gate", stacked=True),
    Row("blk.#.ffn_up_exps|ffn_up_shexp", "mlp.up", stacked=True),
    Row("blk.#.ffn_down_exps|ffn_down_shexp", "mlp.down", stacked=True),
)

_GGUF = Family(
    name="unknown",
    before=(
        Row("token_embd", "embedding"),
        Row("position_embd", "embedding"),
        Row("token_types", "embedding"),
        Row("token_embd_norm", "norm"),
    ),
    block=_BLOCK,
    after=(Row("output_norm", "norm"),),
    head=(Row("output", "head"),),
    expected=False,
)

# One is enough: every language model has one of them, even if it was only partly converted.
_TELLING = frozenset(("blk.#.attn_norm", "blk.#.attn_q", "blk.#.attn_qkv", "blk.#.ffn_up"))


def is_gguf(endings: set[str]) -> bool:
    """Whether the tensors are named as in a GGUF file."""
    return not endings.isdisjoint(_TELLING)


@cache
def gguf_naming(family: Family) -> Family:
    """The family under its GGUF names. The stored tensors show whether the head is tied."""
    return replace(_GGUF, name=family.name)
