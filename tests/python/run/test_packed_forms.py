"""Packed weights give the same bits as dense ones, in every model and for any number of tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from small_models import CASES, Case, save

import meadow_py as mp
from meadow_py import _core

TOKENS = np.arange(3, 50, dtype=np.int32)


def saved_in(case: Case, dtype: str, folder: Path) -> Path:
    torch = pytest.importorskip("torch")
    model = save(case, folder)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    return folder


def logits(model: mp.Model, threads: int) -> npt.NDArray[np.float32]:
    engine = model.loaded.engine
    tokens = TOKENS % engine.vocab
    count = min(len(tokens), engine.positions - 1)
    cache = _core.Cache(engine, count + 1)
    together = engine.forward(tokens[:count], cache, "all", threads=threads)
    alone = engine.forward(tokens[-1:], cache, "all", threads=threads)
    return np.concatenate([together, alone])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_logits_of_every_architecture_and_isa(case: Case, tmp_path: Path) -> None:
    folder = saved_in(case, "bfloat16", tmp_path)
    before = _core.isa_active()
    expected = None
    try:
        for isa in _core.isa_available():
            _core.isa_select(isa)
            dense, packed = mp.load(folder, form="dense"), mp.load(folder, form="packed")
            for model in (dense, packed):
                for threads in (1, 2):
                    found = logits(model, threads)
                    expected = found if expected is None else expected
                    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    finally:
        _core.isa_select(before)
    assert set(dense.forms) == {"BF16"}
    assert packed.loaded.nbytes <= dense.loaded.nbytes


def test_f32_that_is_bf16_is_packed_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    case = next(case for case in CASES if case.label == "llama")
    wide = Case(case.label, case.stem, {**case.options, "hidden_size": 96, "head_dim": 16})
    model = save(wide, tmp_path)
    model.to(torch.bfloat16).to(torch.float32).save_pretrained(tmp_path)
    dense, packed = mp.load(tmp_path, form="dense"), mp.load(tmp_path)
    assert set(dense.forms) == {"F32"}
    assert "planes" in packed.forms
    assert packed.bytes_per_token < 0.6 * dense.bytes_per_token
    assert np.array_equal(logits(dense, 1).view(np.uint32), logits(packed, 2).view(np.uint32))


def test_200_tokens_and_perplexity_of_a_real_model_to_the_last_digit(shared_data: Path) -> None:
    folder = shared_data / "weights" / "stories260K"
    text = (shared_data / "text" / "wikitext2.valid.tokens.txt").read_text()[:4000]
    dense = mp.load(folder, form="dense", dtype="BF16")
    packed = mp.load(folder, form="packed", dtype="BF16")
    assert "planes" in packed.forms
    found = []
    for model in (dense, packed):
        tokens = [token.id for token in model.generate("Once upon a time", max_tokens=200)]
        found.append((tokens, repr(model.perplexity(text).value)))
    assert found[0] == found[1]


@pytest.mark.parametrize(("form", "least_db"), [("int8", 25), ("int8-tensor", 15), ("q8", 25)])
def test_integers_come_near_and_say_what_they_are(
    form: str, least_db: float, shared_data: Path
) -> None:
    folder = shared_data / "weights" / "babyllama-105"
    dense, integers = mp.load(folder, form="dense"), mp.load(folder, form=form)
    assert set(integers.forms) <= {"INT8", "INT8 planes", "Q8", "Q8 planes"}
    assert integers.bytes_per_token < 0.3 * dense.bytes_per_token
    expected, found = logits(dense, 2), logits(integers, 2)
    error = np.square(found - expected, dtype=np.float64).sum()
    db = 10 * np.log10(np.square(expected, dtype=np.float64).sum() / error)
    assert least_db < db < 60
    assert np.array_equal(found.view(np.uint32), logits(integers, 1).view(np.uint32))
