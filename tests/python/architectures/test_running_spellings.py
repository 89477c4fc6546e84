"""Configurations as transformers 4 and 5 spell them, and as users leave them out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meadow_py.architectures import resolve
from meadow_py.architectures.running import RunningConfig, describe

LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 100,
    "max_position_embeddings": 512,
}
NEOX = {**LLAMA, "model_type": "gpt_neox"}
GEMMA3 = {**LLAMA, "model_type": "gemma3_text", "head_dim": 16}
LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}


def described(config: dict[str, Any]) -> RunningConfig:
    return describe(resolve(config, {}), {}).config


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    ours, theirs = described(first).to_dict(), described(second).to_dict()
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[key], theirs[key]) for key in ours
    )


@pytest.mark.parametrize(
    ("config", "transformers_4", "transformers_5"),
    [
        (LLAMA, {"rope_theta": 5e5}, {"rope_parameters": {"rope_theta": 5e5}}),
        (
            LLAMA,
            {"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}},
            {"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2}},
        ),
        (
            LLAMA,
            {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
            {"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", **LLAMA3}},
        ),
        (LLAMA, {"rope_scaling": None}, {"rope_parameters": {"rope_theta": 1e4}}),
        (
            NEOX,
            {"rotary_emb_base": 2e4, "rotary_pct": 0.5},
            {"rope_parameters": {"rope_theta": 2e4, "partial_rotary_factor": 0.5}},
        ),
        (NEOX, {}, {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.25}}),
        (
            GEMMA3,
            {
                "rope_theta": 2e6,
                "rope_local_base_freq": 2e4,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                "sliding_window_pattern": 2,
            },
            {
                "rope_parameters": {
                    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2e6},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 2e4},
                },
                "layer_types": ["sliding_attention", "full_attention"] * 2,
            },
        ),
    ],
)
def test_both_spellings_say_the_same(
    config: dict[str, Any], transformers_4: dict[str, Any], transformers_5: dict[str, Any]
) -> None:
    old, new = {**config, **transformers_4}, {**config, **transformers_5}
    assert same(old, new)
    if transformers_4 and transformers_4 != {"rope_scaling": None}:
        assert not same(old, config)


def test_windows_of_layers() -> None:
    def windows(kind: str, **options: Any) -> tuple[int, ...]:
        return described({**LLAMA, "model_type": kind, "head_dim": 16, **options}).windows

    qwen = {"use_sliding_window": True, "sliding_window": 9}
    assert windows("llama", sliding_window=9) == (0,) * 4
    assert windows("mistral") == (4096,) * 4
    assert windows("mistral", sliding_window=9) == (9,) * 4
    assert windows("mistral", sliding_window=None) == (0,) * 4
    assert windows("qwen2", sliding_window=9) == (0,) * 4
    assert windows("qwen2", **qwen) == (0,) * 4
    assert windows("qwen3", **qwen, max_window_layers=1) == (0, 9, 9, 9)
    assert windows("phi3") == (0,) * 4
    assert windows("gemma2") == (4096, 0, 4096, 0)
    assert windows("gemma3_text", sliding_window=9) == (9,) * 4
    assert windows("gemma3_text", sliding_window=9, sliding_window_pattern=3) == (9, 9, 0, 9)


def test_gemma_says_gelu_and_means_its_approximation() -> None:
    assert described({**LLAMA, "model_type": "gemma", "hidden_act": "gelu"}).activation == (
        "gelu_tanh"
    )


def test_long_contexts_end_where_frequencies_would_change() -> None:
    dynamic = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4}
    assert described({**LLAMA, "rope_parameters": dynamic}).positions == 512
    long = {
        "rope_scaling": {"type": "su", "short_factor": [1.0] * 8, "long_factor": [2.0] * 8},
        "original_max_position_embeddings": 64,
    }
    found = described({**LLAMA, "model_type": "phi3", **long})
    assert found.positions == 64
    assert found.rotary_scale == pytest.approx(((1 + np.log(8) / np.log(64)) ** 0.5,))
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}
    assert described({**LLAMA, "rope_scaling": yarn}).positions == 2048


@pytest.mark.parametrize("kind", ["default", "linear", "llama3", "yarn", "longrope"])
@pytest.mark.parametrize("dim", [16, 80, 128])
def test_frequencies_are_those_of_transformers(kind: str, dim: int) -> None:
    transformers = pytest.importorskip("transformers")
    rope = pytest.importorskip("transformers.modeling_rope_utils")
    parameters: dict[str, Any] = {"rope_type": kind, "rope_theta": 12345.0}
    if kind != "default":
        parameters["factor"] = 4.0
    if kind in ("llama3", "yarn", "longrope"):
        parameters["original_max_position_embeddings"] = 128
    if kind == "llama3":
        parameters |= LLAMA3
    if kind == "longrope":
        parameters |= {key: [1.0 + i / 7 for i in range(dim // 2)] for key in _FACTORS}
    config = {**LLAMA, "head_dim": dim, "rope_parameters": parameters}
    theirs = transformers.LlamaConfig(**{k: v for k, v in config.items() if k != "model_type"})
    if kind == "default":
        embedding = transformers.models.llama.modeling_llama.LlamaRotaryEmbedding
        expected, scale = embedding.compute_default_rope_parameters(theirs)
    else:
        expected, scale = rope.ROPE_INIT_FUNCTIONS[kind](theirs)
    found = described(config)
    np.testing.assert_allclose(found.rotary_frequencies[0], expected.numpy(), rtol=3e-7)
    assert found.rotary_scale[0] == pytest.approx(scale)


_FACTORS = ("short_factor", "long_factor")
