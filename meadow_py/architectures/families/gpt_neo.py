"""GPT-Neo (`GPTNeoForCausalLM`)."""

from __future__ import annotations

from meadow_py.architectures.family import Family, Row

_BLOCK = (
    Row("h.#.ln_1", "norm", ("hidden",), bias=True),
    Row("h.#.attn.attention.k_proj", "attention.k", ("hidden", "hidden")),
    Row("h.#.attn.attention.v_proj", "attention.v", ("hidden", "hidden")),
    Row("h.#.attn.attention.q_proj", "attention.q", ("hidden", "hidden")),
    Row("h.#.attn.attention.out_proj", "attention.o", ("hidden", "hidden"), bias=True),
    Row("h.#.ln_2", "norm", ("hidden",), bias=True),
    Row("h.#.mlp.c_fc", "mlp.up", ("intermediate", "hidden"), bias=True),
    Row("h.#.mlp.c_proj", "mlp.down", ("hidden", "intermediate"), bias=True),
)

GPT_NEO = Family(
    name="gpt_neo",
    model_types=("gpt_neo",),
    tied=True,
    prefix="transformer.",
    before=(
        Row("wte", "embedding", ("vocab", "hidden")),
        Row("wpe", "embedding", ("positions", "hidden")),
    ),
    block=_BLOCK,
    after=(Row("ln_f", "norm", ("hidden",), bias=True),),
    head=(Row("lm_head", "head", ("vocab", "hidden")),),
    signature=("h.#.attn.attention.q_proj",),
    mlp_factor=4,
)
