"""A model dense and packed, side by side: the same work, the same bits, honest figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import meadow_py as mp
from meadow_py import demo
from meadow_py.run import Bench
from meadow_py.run.bench_runs import Runner, Task
from meadow_py.run.resident import peak_of_fresh_process

SMALL = {"prompt_tokens": 5, "tokens": 3, "runs": 2, "memory": False, "threads": 1}


@pytest.fixture(scope="module")
def made() -> Bench:
    return mp.bench(dtype="BF16", **SMALL)


def test_both_forms_are_measured(made: Bench) -> None:
    assert made.same_bits
    assert made.family == "opt"
    assert (made.prompt_tokens, made.tokens, made.runs, made.threads) == (5, 3, 2, 1)
    assert list(made.dense.matrices) == ["BF16"]
    assert "BF16" not in made.packed.matrices
    assert sum(made.dense.matrices.values()) == sum(made.packed.matrices.values())
    for form in (made.dense, made.packed):
        low, high = form.decode_tokens_per_second_min, form.decode_tokens_per_second_max
        assert 0 < low <= form.decode_tokens_per_second <= high < math.inf
        for figure in (form.prefill_tokens_per_second, form.product_seconds):
            assert 0 < figure < math.inf
        assert form.decode_spread == high / low
        reached = form.bytes_per_token * form.decode_tokens_per_second
        assert form.bandwidth_fraction == pytest.approx(reached / made.bandwidth.bytes_per_second)
    assert made.bandwidth.threads == 1


def test_bytes_are_those_of_the_loaded_models(made: Bench) -> None:
    for form, bench in (("dense", made.dense), ("packed", made.packed)):
        with mp.load(form=form, dtype="BF16") as model:
            assert bench.bytes_per_token == model.bytes_per_token
            assert bench.nbytes == model.loaded.nbytes
            assert bench.matrices == model.forms
    assert made.byte_ratio == made.dense.bytes_per_token / made.packed.bytes_per_token > 1.2


def test_ratios_are_of_the_figures(made: Bench) -> None:
    dense, packed = made.dense, made.packed
    decode = packed.decode_tokens_per_second / dense.decode_tokens_per_second
    prefill = packed.prefill_tokens_per_second / dense.prefill_tokens_per_second
    assert (made.decode_speedup, made.prefill_speedup) == (decode, prefill)
    assert made.product_speedup == dense.product_seconds / packed.product_seconds


def test_what_has_no_packed_form_says_so(tmp_path: Path) -> None:
    for file in demo.folder().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    # 24 bits of mantissa, which neither BF16 nor F16 holds
    finer = {name: t.astype(np.float32) * np.float32(1 + 2**-20) for name, t in tensors.items()}
    save_file(finer, tmp_path / "model.safetensors")
    made = mp.bench(tmp_path, **SMALL)
    assert made.packed.matrices == made.dense.matrices
    assert made.verdict.startswith("Packing does nothing here: none of the 26 matrices (F32)")


def test_as_json(made: Bench) -> None:
    data = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert (data["version"], data["kind"], data["same_bits"]) == (1, "bench", True)
    assert data["verdict"] == made.verdict
    assert data["dense"]["bytes_per_token"] == made.dense.bytes_per_token
    assert data["host"]["cpu"] == made.host.cpu
    assert data["bandwidth"]["bytes_per_second"] == made.bandwidth.bytes_per_second


def test_as_text_and_html(made: Bench) -> None:
    text, html = repr(made), made._repr_html_()
    assert " ".join(text.split()).endswith(made.verdict)
    assert made.verdict in html
    assert "the same bits" in text
    assert "the same bits" in html
    assert "<script" not in html
    assert max(map(len, text.splitlines())) <= 80


def test_a_run_does_what_generating_does() -> None:
    with mp.load(dtype="BF16", threads=1) as model:
        task = Task.of(model, 6, 5)
        assert task.prompt.dtype == np.int32
        assert task.prompt.max() < model.loaded.config.vocab
        expected = model.generate(task.prompt, max_tokens=6, ignore_eos=True)
        ids = [token.id for token in expected]
        logits = model.logits([*task.prompt.tolist(), *ids[:5]])
        assert ids == logits[5:].argmax(1).tolist()
        runner = Runner(model, task)
        assert runner.warm_up() == runner.warm_up()
        runner.run()
        assert 0 < runner.decode().seconds < math.inf
        assert 0 < runner.prefill().seconds < math.inf


def test_a_logit_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Runner._forward

    def forward(self: Runner, ids: Any) -> Any:
        logits = honest(self, ids)
        if self._engine is not engines.setdefault("first", self._engine):
            logits.view(np.uint32)[-1] ^= 1
        return logits

    engines: dict[str, Any] = {}
    monkeypatch.setattr(Runner, "_forward", forward)
    made = mp.bench(dtype="BF16", **SMALL)
    assert not made.same_bits
    assert made.verdict.startswith("Do not run the packed form here")
    assert "DIFFER" in repr(made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"runs": 0}, "runs=0"),
        ({"tokens": True}, "tokens=True"),
        ({"prompt_tokens": 2.5}, "prompt_tokens=2.5"),
        ({"prompt_tokens": 100_000}, "together more than the model's context"),
        ({"dtype": "F8"}, "dtype"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mp.bench(**{**SMALL, **arguments})


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mp.bench(tmp_path / "none", **SMALL)


def test_memory_is_of_a_process_of_its_own() -> None:
    options = {"dtype": "BF16", "threads": 1, "mapped": False}
    peaks = [peak_of_fresh_process(None, form, options) for form in ("dense", "packed")]
    if peaks == [None, None]:
        pytest.skip("this system does not say what a process holds")
    for peak in peaks:
        assert peak is not None
        assert 4 << 20 < peak < 1 << 30
    assert peak_of_fresh_process("/there/is/no/such/model", "dense", options) is None
