"""Packed and dense give the same text and the same figures, to the last digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import meadow_py
from meadow_py import Model, demo

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def in_bf16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model, its weights rounded to BF16."""
    folder = tmp_path_factory.mktemp("bf16")
    for file in demo.folder().iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    rounded = {name: t.astype(ml_dtypes.bfloat16) for name, t in tensors.items()}
    save_file(rounded, folder / "model.safetensors")
    return folder


def _ids(model: Model, settings: dict[str, Any]) -> list[int]:
    return [token.id for token in model.generate("The", max_tokens=200, **settings)]


def test_packed_and_dense_are_the_same_to_the_last_digit(in_bf16: Path) -> None:
    text = "The history of the = Robert Boulter = is an English film . " * 12
    with (
        meadow_py.load(in_bf16, form="dense", threads=1) as dense,
        meadow_py.load(in_bf16, form="packed", threads=2) as packed,
    ):
        assert packed.forms != dense.forms
        assert packed.bytes_per_token < dense.bytes_per_token
        for settings in ({}, {"temperature": 0.8, "top_p": 0.9, "seed": 11}):
            made = [_ids(model, settings) for model in (dense, packed)]
            assert made[0] == made[1]
        figures = [model.perplexity(text, progress=False) for model in (dense, packed)]
        assert str(figures[0]) == str(figures[1])
        assert figures[0] == figures[1]
        logits = [model.logits(text[:60]) for model in (dense, packed)]
        assert np.array_equal(logits[0].view(np.uint32), logits[1].view(np.uint32))


def test_a_packed_checkpoint_has_its_tokenizer(in_bf16: Path, tmp_path: Path) -> None:
    meadow_py.pack(in_bf16, tmp_path / "packed", progress=False)
    with (
        meadow_py.load(in_bf16, threads=1) as plain,
        meadow_py.load(tmp_path / "packed", threads=1) as packed,
    ):
        expected = list(plain.generate("In the", max_tokens=40))
        assert list(packed.generate("In the", max_tokens=40)) == expected
        assert packed.tokenizer.eos == plain.tokenizer.eos == (2,)
