"""What becomes of stored tensors: views where they can be, copies where they must."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_engine import logits
from small_models import CASES, Case, build, logits_of, prompt, save

import meadow_py
from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError
from meadow_py.run.assembly import Assembled, assemble, matrix_of


def case_of(label: str) -> Case:
    return next(case for case in CASES if case.label == label)


def assembled(path: Path, **options: Any) -> Assembled:
    with open_checkpoint(path) as checkpoint:
        return assemble(checkpoint, **options)


def values(made: Assembled, name: str) -> Any:
    matrix = made.matrices[name]
    return np.stack([matrix.row(row) for row in range(matrix.rows)])


@pytest.mark.parametrize(
    ("label", "copied"),
    [
        ("llama", set()),
        ("opt-350m", set()),
        ("phi3", set()),
        ("gpt2", {"q", "k", "v", "o", "up", "down"}),
        ("gpt-neox", {"q", "k", "v"}),
    ],
)
def test_what_is_stored_as_it_is_multiplied_is_not_copied(
    label: str, copied: set[str], tmp_path: Path
) -> None:
    save(case_of(label), tmp_path)
    with open_checkpoint(tmp_path) as checkpoint:
        assert assemble(checkpoint).weights
        for name, weight in assemble(checkpoint).weights.items():
            shared = np.shares_memory(weight.values(), weight.weight.tensor.raw())
            assert shared != (name.rpartition(".")[2] in copied)


def test_a_tied_head_is_the_embedding(tmp_path: Path) -> None:
    model = save(case_of("llama-tied"), tmp_path)
    made = assembled(tmp_path)
    assert made.matrices["head"] is made.matrices["embedding"]
    assert "head" not in made.weights
    assert assembled(save_untied(tmp_path / "other")).matrices["head"] is not made.matrices["head"]
    del model


def save_untied(folder: Path) -> Path:
    save(case_of("llama"), folder)
    return folder


@pytest.mark.parametrize("label", ["llama-tied", "opt"])
@pytest.mark.parametrize("differs", [False, True])
def test_a_head_that_is_stored_though_tied(label: str, differs: bool, tmp_path: Path) -> None:
    """As in `PreTrainedModel.tie_weights`: equal bits are one weight, others are two."""
    safetensors = pytest.importorskip("safetensors.numpy")
    model = save(case_of(label), tmp_path)
    file = tmp_path / "model.safetensors"
    held = safetensors.load_file(file)
    embedding = next(array for name, array in held.items() if "embed_tokens" in name)
    head = embedding[::-1].copy() if differs else embedding.copy()
    safetensors.save_file({**held, "lm_head.weight": head}, file, metadata={"format": "pt"})
    made = assembled(tmp_path)
    assert (made.matrices["head"] is made.matrices["embedding"]) != differs
    assert made.architecture.tied != differs
    transformers = pytest.importorskip("transformers")
    again = type(model).from_pretrained(tmp_path)
    assert isinstance(again, transformers.PreTrainedModel)
    tokens = prompt(101, 12)
    expected = logits_of(again.eval(), tokens)
    assert np.abs(logits(made, tokens) - expected).max() <= 2e-5 * np.abs(expected).max()


def test_views_outlive_the_checkpoint_and_its_files(tmp_path: Path) -> None:
    model = save(case_of("llama"), tmp_path)
    made = assembled(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    stored = model.model.layers[2].mlp.down_proj.weight.detach().numpy()
    np.testing.assert_array_equal(values(made, "layers.2.down"), stored)


@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
@pytest.mark.parametrize("dtype", [None, "F32", "BF16"])
def test_dtypes_of_weights(stored: str, dtype: str | None, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = build(case_of("gpt2")).to(getattr(torch, stored))
    model.save_pretrained(tmp_path)
    made = assembled(tmp_path, form="dense", dtype=dtype)
    as_stored = {"float16": "F16", "bfloat16": "BF16"}[stored]
    assert {matrix.form for matrix in made.matrices.values()} == {dtype or as_stored}
    assert all(vector.dtype == np.float32 for vector in made.vectors.values())
    expected = model.transformer.h[1].mlp.c_fc.weight.detach().T
    if dtype == "BF16":
        expected = expected.bfloat16()
    np.testing.assert_array_equal(values(made, "layers.1.up"), expected.float().numpy())


def test_gemma_s_norms_are_stored_less_one(tmp_path: Path) -> None:
    model = save(case_of("gemma-3"), tmp_path)
    made = assembled(tmp_path)
    layer = model.model.layers[1]
    for name, norm in (
        ("attention_norm", layer.input_layernorm),
        ("attention_post_norm", layer.post_attention_layernorm),
        ("mlp_norm", layer.pre_feedforward_layernorm),
        ("mlp_post_norm", layer.post_feedforward_layernorm),
        ("q_norm", layer.self_attn.q_norm),
    ):
        expected = 1 + norm.weight.detach().numpy()
        np.testing.assert_array_equal(made.vectors[f"layers.1.{name}.weight"], expected)


@pytest.mark.parametrize("label", ["gpt-neox", "opt-350m", "gemma-2"])
def test_a_packed_folder_gives_the_same_bits(label: str, tmp_path: Path) -> None:
    save(case_of(label), tmp_path / "dense")
    meadow_py.pack(tmp_path / "dense", tmp_path / "packed")
    dense, packed = assembled(tmp_path / "dense"), assembled(tmp_path / "packed")
    tokens = prompt(101, 9)
    np.testing.assert_array_equal(logits(dense, tokens), logits(packed, tokens))


def test_a_pickled_checkpoint(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = save(case_of("gpt-neo"), tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    found = logits(assembled(tmp_path), tokens)
    assert np.abs(found - expected).max() <= 2e-5 * np.abs(expected).max()


def test_the_language_model_of_a_multimodal_one(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    text = {**case_of("gemma-3").options, "vocab_size": 120}
    vision = {"hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    config = transformers.Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=119
    )
    model = transformers.Gemma3ForConditionalGeneration(config).eval()
    model.save_pretrained(tmp_path)
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = logits(assembled(tmp_path), tokens)
    assert np.abs(found - expected).max() <= 2e-5 * np.abs(expected).max()


def test_tensors_that_the_model_does_not_use_are_told(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    save(case_of("llama"), tmp_path)
    file = tmp_path / "model.safetensors"
    held = {**safetensors.load_file(file), "score.weight": np.zeros((2, 36), np.float32)}
    safetensors.save_file(held, file)
    with pytest.warns(UserWarning, match=r"does not use .*: score\.weight"):
        assert assembled(tmp_path).unused == ("score.weight",)


def test_weights_that_the_engine_cannot_multiply_with(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    save(case_of("llama"), tmp_path)
    file = tmp_path / "model.safetensors"
    held = safetensors.load_file(file)
    name = "model.layers.1.mlp.up_proj.weight"
    safetensors.save_file({**held, name: held[name].astype(np.float64)}, file)
    with pytest.raises(ValueError, match=r"up_proj\.weight: the engine does not support F64"):
        assembled(tmp_path)
    norm = "model.norm.weight"
    safetensors.save_file({**held, norm: held[norm].astype(np.int32)}, file)
    with pytest.raises(FormatError, match=r"model\.norm\.weight must hold floating.*not I32"):
        assembled(tmp_path)


def test_arguments_are_checked(tmp_path: Path) -> None:
    save(case_of("llama"), tmp_path)
    weight = assembled(tmp_path).weights["layers.0.q"]
    with pytest.raises(
        ValueError, match="form='sparse': expected one of auto, dense, packed, int8"
    ):
        matrix_of(weight, "sparse")
    with pytest.raises(ValueError, match="dtype must be 'F32', 'BF16' or None, not 'F8'"):
        matrix_of(weight, dtype="F8")


def test_a_config_that_disagrees_with_the_tensors(tmp_path: Path) -> None:
    save(case_of("llama"), tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "intermediate_size": 48}))
    with pytest.raises(FormatError, match=r"proj\.weight: expected .*48.* found .*52"):
        assembled(tmp_path)
