"""Packed and dense give the same text and the same figures, to the last digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import meadow_py
from meadow_py import Model, _core, demo

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


@pytest.mark.parametrize("isa", _core.isa_available())
def test_with_activations_in_bf16_bits_depend_on_no_form_isa_threads_or_batch(
    in_bf16: Path, isa: str
) -> None:
    text = "The history of the = Robert Boulter = is an English film . " * 4
    with meadow_py.load(in_bf16, form="dense", threads=1, activations="BF16") as dense:
        expected = dense.logits(text)
    with meadow_py.load(in_bf16, form="dense", threads=1) as exact:
        plain = exact.logits(text)
    error = np.square(expected - plain, dtype=np.float64).sum()
    assert 30 < 10 * np.log10(np.square(plain, dtype=np.float64).sum() / error) < 70
    before = _core.isa_active()
    _core.isa_select(isa)
    try:
        with meadow_py.load(in_bf16, form="packed", threads=2, activations="BF16") as packed:
            ids = packed.tokenizer.encode(text)
            cache = _core.Cache(packed.loaded.engine, len(ids))
            forward = packed.loaded.engine.forward
            one_by_one = [forward(np.array([token], np.int32), cache) for token in ids]
            at_once = packed.logits(text)
    finally:
        _core.isa_select(before)
    assert len(ids) > 33  # so many that they are multiplied by tiles
    assert np.array_equal(at_once.view(np.uint32), expected.view(np.uint32))
    assert np.array_equal(np.stack(one_by_one).view(np.uint32), expected.view(np.uint32))


def test_a_packed_checkpoint_has_its_tokenizer(in_bf16: Path, tmp_path: Path) -> None:
    meadow_py.pack(in_bf16, tmp_path / "packed", progress=False)
    with (
        meadow_py.load(in_bf16, threads=1) as plain,
        meadow_py.load(tmp_path / "packed", threads=1) as packed,
    ):
        expected = list(plain.generate("In the", max_tokens=40))
        assert list(packed.generate("In the", max_tokens=40)) == expected
        assert packed.tokenizer.eos == plain.tokenizer.eos == (2,)
