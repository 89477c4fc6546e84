"""Names of GGUF files, against the table that gguf-py itself writes from."""

from __future__ import annotations

import pytest

from meadow_py.architectures import resolve

ROLES = {
    "ATTN_Q": "attention.q",
    "ATTN_K": "attention.k",
    "ATTN_V": "attention.v",
    "ATTN_OUT": "attention.o",
    "FFN_UP": "mlp.up",
    "FFN_GATE": "mlp.gate",
    "FFN_DOWN": "mlp.down",
    "FFN_UP_EXP": "mlp.up",
    "FFN_GATE_EXP": "mlp.gate",
    "FFN_DOWN_EXP": "mlp.down",
    "TOKEN_EMBD": "embedding",
    "POS_EMBD": "embedding",
    "TOKEN_TYPES": "embedding",
    "OUTPUT": "head",
    "OUTPUT_NORM": "norm",
    "ATTN_NORM": "norm",
    "FFN_NORM": "norm",
    "ATTN_Q_NORM": "norm",
    "ATTN_OUT_NORM": "norm",
    "LAYER_OUT_NORM": "norm",
    "ATTN_POST_NORM": "norm",
    "FFN_POST_NORM": "norm",
    "ATTN_QKV": "other",
    "FFN_GATE_INP": "other",
}


@pytest.mark.parametrize(("key", "role"), ROLES.items())
def test_role_of_every_name(key: str, role: str) -> None:
    constants = pytest.importorskip("gguf").constants
    name = constants.TENSOR_NAMES[constants.MODEL_TENSOR[key]].format(bid=7) + ".weight"
    architecture = resolve({"general.architecture": "llama"}, {})
    assert architecture.role_of(name) == role
    (spec,) = architecture.weights({name: (6, 4)})
    assert spec.layer == (7 if "blk" in name else None)


@pytest.mark.parametrize(
    "architecture",
    ["llama", "gpt2", "gptneox", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "bert"],
)
def test_every_architecture_we_know_is_one_of_theirs(architecture: str) -> None:
    constants = pytest.importorskip("gguf").constants
    assert architecture in constants.MODEL_ARCH_NAMES.values()
    family = resolve({"general.architecture": architecture}, {}).family
    assert family.replace("_", "") == architecture


def _phi3() -> dict[str, object]:
    return {
        "general.architecture": "phi3",
        "phi3.block_count": 1,
        "phi3.embedding_length": 24,
        "phi3.attention.head_count": 4,
        "phi3.attention.head_count_kv": 2,
        "phi3.feed_forward_length": 40,
        "tokenizer.ggml.tokens": ["a"] * 96,
    }


def test_fused_tensors_are_split_by_the_file_s_own_sizes() -> None:
    shapes = {
        "token_embd.weight": (96, 24),
        "blk.0.attn_qkv.weight": (48, 24),
        "blk.0.ffn_up.weight": (80, 24),
    }
    architecture = resolve(_phi3(), shapes)
    assert architecture.dimensions is not None
    assert architecture.dimensions.vocab == 96
    parts = [(s.role, s.shape) for s in architecture.weights(shapes)[1:]]
    assert parts == [
        ("attention.q", (24, 24)),
        ("attention.k", (12, 24)),
        ("attention.v", (12, 24)),
        ("mlp.gate", (40, 24)),
        ("mlp.up", (40, 24)),
    ]


def test_head_counts_per_layer_leave_fused_tensors_whole() -> None:
    fields = {**_phi3(), "phi3.attention.head_count": [4, 2]}
    shapes = {"blk.0.attn_qkv.weight": (48, 24)}
    (spec,) = resolve(fields, shapes).weights(shapes)
    assert (spec.role, spec.part) == ("other", None)


def test_experts_keep_their_role() -> None:
    shapes = {"blk.2.ffn_gate_exps.weight": (8, 40, 24)}
    (spec,) = resolve({"general.architecture": "llama"}, shapes).weights(shapes)
    assert (spec.role, spec.shape, spec.layer) == ("mlp.gate", (320, 24), 2)


def test_blocks_of_a_vision_tower_are_not_the_decoder_s() -> None:
    shapes = {"v.blk.0.attn_q.weight": (24, 24)}
    (spec,) = resolve({"general.architecture": "clip"}, shapes).weights(shapes)
    assert (spec.role, spec.layer) == ("attention.q", None)
