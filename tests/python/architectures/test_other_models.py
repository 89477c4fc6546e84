"""Real models that no family describes, and multimodal ones around a family."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from saved_models import GATED, SMALL, WIDTHS, Case, build, save, shapes_of

from meadow_py.architectures import Architecture, resolve

ENCODER = {**WIDTHS, "intermediate_size": 40}
GPTJ = {**SMALL, "n_embd": 24, "n_layer": 2, "n_head": 4, "n_positions": 16, "rotary_dim": 4}
T5 = {
    **SMALL,
    "d_model": 24,
    "d_kv": 6,
    "d_ff": 40,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
BLOOM = {**SMALL, "hidden_size": 24, "n_layer": 2, "n_head": 4}
MAMBA = {**SMALL, "hidden_size": 24, "num_hidden_layers": 2, "state_size": 4}
BIGCODE = {**SMALL, "n_embd": 24, "n_layer": 2, "n_head": 4, "n_positions": 16}
VISION = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "image_size": 56,
    "patch_size": 14,
}

OTHERS = (
    Case("vit", "ViT", {**VISION}, "Model"),
    Case("unknown", "GPTJ", GPTJ),
    Case("unknown", "Bloom", BLOOM),
    Case("unknown", "T5", T5, "ForConditionalGeneration"),
    Case("unknown", "Mamba", MAMBA),
    Case("unknown", "GPTBigCode", {**BIGCODE, "multi_query": True}),
    Case("gpt2", "GPTBigCode", {**BIGCODE, "multi_query": False}),
    Case("bert", "Electra", {**ENCODER, "embedding_size": 16}, "Model"),
    Case("qwen3_moe", "Qwen3Moe", {**GATED, "num_experts": 3, "moe_intermediate_size": 8}),
    Case("mixtral", "Mixtral", {**GATED, "num_local_experts": 3}),
)


def _resolved(case: Case, folder: Path) -> tuple[Architecture, dict[str, Any]]:
    config, arrays = save(build(case), folder)
    return resolve(config, shapes_of(arrays)), arrays


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.label)
def test_nothing_is_lost_and_nothing_split_by_guess(case: Case, tmp_path: Path) -> None:
    architecture, arrays = _resolved(case, tmp_path)
    weights = architecture.weights(shapes_of(arrays))
    matrices = {name: array.size for name, array in arrays.items() if array.ndim > 1}
    assert architecture.family == case.family
    assert {spec.tensor: math.prod(spec.shape) for spec in weights} == matrices
    assert all(spec.part is None and not spec.transposed for spec in weights)


@pytest.mark.parametrize(
    ("position", "roles"),
    [
        (0, {"attention.q": 2, "attention.k": 2, "attention.v": 2, "attention.o": 2}),
        (1, {"attention.q": 2, "attention.k": 2, "attention.v": 2, "attention.o": 2}),
        (2, {"mlp.up": 2, "mlp.down": 2, "attention.o": 2, "attention.q": 0}),
        (3, {"attention.q": 6, "attention.o": 6, "mlp.up": 4, "mlp.down": 4}),
        (4, {"attention.q": 0, "attention.o": 0, "mlp.up": 0}),
        (8, {"mlp.gate": 6, "mlp.up": 6, "mlp.down": 6, "attention.q": 2}),
        (9, {"mlp.gate": 6, "mlp.up": 6, "mlp.down": 6, "attention.q": 2}),
    ],
)
def test_obvious_names_have_roles(position: int, roles: dict[str, int], tmp_path: Path) -> None:
    architecture, arrays = _resolved(OTHERS[position], tmp_path)
    weights = architecture.weights(shapes_of(arrays))
    counts = Counter[str](spec.role for spec in weights)
    assert {role: counts[role] for role in roles} == roles


def test_the_decoder_of_a_multimodal_model(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    text = transformers.Gemma3TextConfig(**GATED, head_dim=10)
    config = transformers.Gemma3Config(
        text_config=text.to_dict(), vision_config=dict(VISION), mm_tokens_per_image=4
    )
    written, arrays = save(transformers.Gemma3ForConditionalGeneration(config), tmp_path)
    architecture = resolve(written, shapes_of(arrays))
    weights = architecture.weights(shapes_of(arrays))
    in_blocks = [(s.layer, s.role, s.shape) for s in weights if s.layer is not None]
    alone = [
        (s.layer, s.role, s.shape)
        for s in architecture.weights(architecture.expected_shapes())
        if s.layer is not None
    ]
    assert architecture.family == "gemma3"
    assert sorted(in_blocks) == sorted(alone)
    assert not [s.name for s in weights if s.layer is not None and "vision" in s.name]
