"""Going on after an interruption."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py.profiler import schedule

SETTINGS: dict[str, Any] = {"granularity": "tensor", "chunk_sizes": (2, 4), "threads": 1}


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {
        f"model.decoder.layers.{n}.fc1.weight": random.standard_normal((24, 16), np.float32)
        for n in range(5)
    }


@pytest.fixture
def profiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of weights that are really profiled, and Ctrl-C at the third."""
    names: list[str] = []
    real: Callable[..., Any] = schedule.profile_weight

    def watched(weight: Any, *rest: Any) -> Any:
        names.append(weight.name)
        if len(names) == 3:
            raise KeyboardInterrupt
        return real(weight, *rest)

    monkeypatch.setattr(schedule, "profile_weight", watched)
    return names


def test_only_what_is_missing_is_done(tmp_path: Path, profiled: list[str]) -> None:
    journal = tmp_path / "run.jsonl"
    expected = list(arrays())
    with pytest.raises(KeyboardInterrupt):
        mp.profile(arrays(), resume=journal, **SETTINGS)
    made = mp.profile(arrays(), resume=journal, **SETTINGS)
    assert profiled == [*expected[:3], *expected[2:]]
    assert made.weights == mp.profile(arrays(), **SETTINGS).weights


def test_on_an_executor(tmp_path: Path, profiled: list[str]) -> None:
    journal = tmp_path / "run.jsonl"
    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        mp.profile(arrays(), resume=journal, executor=executor, **SETTINGS)
    kept = len(journal.read_text().splitlines()) - 1
    assert kept <= 2
    before = len(profiled)
    with ThreadPoolExecutor(2) as executor:
        made = mp.profile(arrays(), resume=journal, executor=executor, **SETTINGS)
    assert len(profiled) == before + 5 - kept
    assert made.weights == mp.profile(arrays(), **SETTINGS).weights


def test_a_weight_that_changed_is_profiled_again(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    mp.profile(arrays(), resume=journal, **SETTINGS)
    changed = arrays()
    changed["model.decoder.layers.1.fc1.weight"][3, 4] += 100
    made = mp.profile(changed, resume=journal, **SETTINGS)
    assert made.weights == mp.profile(changed, **SETTINGS).weights


def test_other_settings_are_refused(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    mp.profile(arrays(), resume=journal, **SETTINGS)
    with pytest.raises(ValueError, match="a journal of other work: chunk_sizes was"):
        mp.profile(arrays(), resume=journal, granularity="tensor", chunk_sizes=3)


def test_a_journal_of_before_a_coder_was_measured_is_refused(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    mp.profile(arrays(), resume=journal, **SETTINGS)
    head, *results = journal.read_text().splitlines(keepends=True)
    work = json.loads(head)
    del work["coders"]
    journal.write_text("".join([json.dumps(work) + "\n", *results]))
    with pytest.raises(ValueError, match="a journal of other work"):
        mp.profile(arrays(), resume=journal, **SETTINGS)


def test_another_cut_of_the_same_tensor_is_another_weight(tmp_path: Path) -> None:
    """Square and transposed (GPT-2's Conv1D) or not: the stored bytes are the same."""
    tensor = {
        "transformer.h.0.attn.c_proj.weight": np.random.default_rng(3).standard_t(3, (48, 48))
    }
    save_file(
        {name: a.astype(np.float32) for name, a in tensor.items()}, tmp_path / "m.safetensors"
    )
    journal = tmp_path / "run.jsonl"
    settings = {"granularity": "row", "chunk_sizes": 2}
    mp.profile(tmp_path, resume=journal, **settings)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "n_head": 4}')
    made = mp.profile(tmp_path, resume=journal, **settings)
    assert made.weights == mp.profile(tmp_path, **settings).weights


def test_twice_on_the_same_forked_workers(tmp_path: Path) -> None:
    """They inherit the open journal, and must not keep it locked."""
    journal = tmp_path / "run.jsonl"
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        first = mp.profile(arrays(), resume=journal, executor=pool, **SETTINGS)
        assert mp.profile(arrays(), resume=journal, executor=pool, **SETTINGS) == first


@pytest.mark.parametrize("result", ["{}", "[]", "5", '{"shape": [1, 2]}'])
def test_a_damaged_result(tmp_path: Path, result: str) -> None:
    journal = tmp_path / "run.jsonl"
    mp.profile(arrays(), resume=journal, **SETTINGS)
    head, line, *rest = journal.read_text().splitlines()
    damaged = line.partition('"result": ')[0] + f'"result": {result}}}'
    journal.write_text("\n".join([head, damaged, *rest]) + "\n")
    with pytest.raises(mp.FormatError, match=r"run.jsonl: damaged result of weight 'model.decoder"):
        mp.profile(arrays(), resume=journal, **SETTINGS)
