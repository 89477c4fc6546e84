"""GPT-2 (`GPT2LMHeadModel`), whose Conv1D modules store `[in, out]`."""

from __future__ import annotations

from dataclasses import replace

from meadow_py.architectures.family import Family, Row, Shapes
from meadow_py.architectures.fused import qkv_thirds


def _fused(shapes: Shapes) -> list[tuple[int, ...]]:
    ends = "attn.c_attn.weight"
    return [tuple(s) for name, s in shapes.items() if name.endswith(ends) and len(s) == 2]


def _has_conv1d(shapes: Shapes) -> bool:
    return all(stored[1] == 3 * stored[0] for stored in _fused(shapes))


def _has_linear(shapes: Shapes) -> bool:
    return all(stored[0] == 3 * stored[1] for stored in _fused(shapes))


_BLOCK = (
    Row("h.#.ln_1", "norm", ("hidden",), bias=True),
    Row(
        "h.#.attn.c_attn",
        "other",
        ("hidden", "qkv"),
        bias=True,
        transposed=True,
        split=qkv_thirds,
    ),
    Row("h.#.attn.c_proj", "attention.o", ("hidden", "hidden"), bias=True, transposed=True),
    Row("h.#.ln_2", "norm", ("hidden",), bias=True),
    Row("h.#.mlp.c_fc", "mlp.up", ("hidden", "intermediate"), bias=True, transposed=True),
    Row("h.#.mlp.c_proj", "mlp.down", ("intermediate", "hidden"), bias=True, transposed=True),
)

GPT2 = Family(
    name="gpt2",
    model_types=("gpt2",),
    tied=True,
    prefix="transformer.",
    before=(
        Row("wte", "embedding", ("vocab", "hidden")),
        Row("wpe", "embedding", ("positions", "hidden")),
    ),
    block=_BLOCK,
    after=(Row("ln_f", "norm", ("hidden",), bias=True),),
    head=(Row("lm_head", "head", ("vocab", "hidden")),),
    signature=("h.#.attn.c_attn",),
    absent=("h.#.mlp.w1",),
    mlp_factor=4,
    fits=_has_conv1d,
)

# nanoGPT and its descendants keep GPT-2's names but store [out, in], as torch's Linear does.
GPT2_LINEAR = replace(
    GPT2,
    block=tuple(replace(row, transposed=False) for row in _BLOCK),
    expected=False,
    fits=_has_linear,
)
