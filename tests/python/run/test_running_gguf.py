"""The same models out of GGUF files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf_files import ARCHITECTURES, write_gguf
from numpy_engine import logits
from small_models import CASES, Case, build, logits_of, prompt

from meadow_py.dispatch import open_checkpoint
from meadow_py.run.assembly import Assembled, assemble

gguf = pytest.importorskip("gguf")

# Not in a GGUF file, and llama.cpp assumes otherwise: the scale of the scores, no caps.
_UNTOLD = ("yarn", "long", "dynamic", "inner", "uncapped", "sliding")
TOLD = [
    case
    for case in CASES
    if case.stem in ARCHITECTURES and not any(word in case.label for word in _UNTOLD)
]


def assembled(path: Path, form: str = "dense") -> Assembled:
    with open_checkpoint(path) as checkpoint:
        return assemble(checkpoint, form)


def scaled_as_assumed(case: Case) -> Case:
    options = dict(case.options)
    if "query_pre_attn_scalar" in options:
        options["query_pre_attn_scalar"] = options["head_dim"]
    return Case(case.label, case.stem, options, case.head, case.config)


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case.label)
def test_logits_are_those_of_the_original(case: Case, tmp_path: Path) -> None:
    model = build(scaled_as_assumed(case))
    made = assembled(write_gguf(model, case.stem, tmp_path / "model.gguf"))
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    assert np.abs(logits(made, tokens) - expected).max() <= 2e-5 * np.abs(expected).max()
    assert set(made.unused) <= {"rope_freqs.weight"}


@pytest.mark.parametrize("dtype", ["F16", "BF16", "Q8_0"])
def test_rows_of_queries_and_keys_are_put_back_in_every_dtype(dtype: str, tmp_path: Path) -> None:
    options = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4}
    case = next(case for case in CASES if case.label == "llama")
    model = build(Case("llama", "Llama", {**case.options, **options}))
    made = assembled(write_gguf(model, "Llama", tmp_path / "model.gguf", dtype))
    kind = gguf.GGMLQuantizationType[dtype]
    for name in ("q", "k", "v"):
        stored = getattr(model.model.layers[1].self_attn, f"{name}_proj").weight.detach().numpy()
        expected = gguf.quants.dequantize(gguf.quants.quantize(stored, kind), kind)
        matrix = made.matrices[f"layers.1.{name}"]
        assert matrix.form == ("F32" if dtype == "Q8_0" else dtype)
        found = np.stack([matrix.row(row) for row in range(matrix.rows)])
        np.testing.assert_array_equal(found, expected)
