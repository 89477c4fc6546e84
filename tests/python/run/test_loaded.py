"""Every family loaded and run by the core, against transformers in float32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import greedy, greedy_of, run
from small_models import (
    CASES,
    GATED,
    LAYER_TYPES,
    WINDOW,
    Case,
    every_case,
    logits_of,
    prompt,
    save,
)

from meadow_py.dispatch import open_checkpoint
from meadow_py.run.loaded import load_engine


@every_case
def test_logits_and_200_tokens_are_those_of_transformers(case: Case, tmp_path: Path) -> None:
    model = save(case, tmp_path)
    loaded = load_engine(tmp_path)
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    scale = np.abs(expected).max()
    assert np.abs(run(loaded, tokens) - expected).max() <= 2e-5 * scale
    assert np.abs(run(loaded, tokens, dataflow="gemm") - expected).max() <= 2e-5 * scale
    assert greedy(loaded, tokens, 200) == greedy_of(model, tokens, 200)


def test_a_mistral_with_layer_types_slides_only_where_they_say(tmp_path: Path) -> None:
    options = {**GATED, **WINDOW, "head_dim": 10, "layer_types": LAYER_TYPES}
    save(Case("ministral", "Ministral", options), tmp_path)
    path = tmp_path / "config.json"
    config = {**json.loads(path.read_text()), "model_type": "mistral"}
    path.write_text(json.dumps(config))
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).float().eval()
    loaded = load_engine(tmp_path)
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    assert np.abs(run(loaded, tokens) - expected).max() <= 2e-5 * np.abs(expected).max()
    assert loaded.architecture.config is not None
    assert loaded.architecture.config["layer_types"] == LAYER_TYPES


def test_what_is_told_of_a_loaded_model(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.label == "llama-tied")
    model = save(case, tmp_path)
    loaded = load_engine(str(tmp_path))
    count = sum(parameter.numel() for parameter in model.parameters())
    assert loaded.parameters == count
    assert loaded.bytes_per_token == loaded.nbytes + 4 * case.options["hidden_size"]
    assert loaded.nbytes == loaded.dense_nbytes == 4 * count
    assert loaded.folder == tmp_path
    assert (loaded.source, loaded.format) == (str(tmp_path), "safetensors")
    assert loaded.metadata["model_type"] == loaded.architecture.family == "llama"
    halved = load_engine(tmp_path, form="dense", dtype="BF16")
    vectors = sum(vector.nbytes for vector in loaded.vectors.values())
    assert halved.nbytes == halved.dense_nbytes == vectors + (4 * count - vectors) // 2


def test_an_open_checkpoint_stays_open(tmp_path: Path) -> None:
    save(CASES[0], tmp_path)
    with open_checkpoint(tmp_path) as checkpoint:
        load_engine(checkpoint)
        assert next(iter(checkpoint.tensors.values())).raw().size


def test_arrays_and_modules_have_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is none: expected a config"):
        load_engine({"model.layers.0.self_attn.q_proj.weight": np.zeros((4, 4), np.float32)})
    model = save(CASES[0], tmp_path)
    loaded = load_engine(model)
    assert loaded.folder is None
    np.testing.assert_array_equal(
        run(loaded, prompt(101, 5)), run(load_engine(tmp_path), prompt(101, 5))
    )
