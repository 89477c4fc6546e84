"""Every family loaded and run by the core, against transformers in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from small_models import Case, every_case, logits_of, prompt, save

from meadow_py import _core
from meadow_py.run.loading import Loaded, load_engine


def run(loaded: Loaded, tokens: list[int], **options: Any) -> npt.NDArray[np.float32]:
    cache = _core.Cache(loaded.engine, len(tokens))
    return loaded.engine.forward(np.array(tokens, np.int32), cache, logits="all", **options)


def greedy(loaded: Loaded, tokens: list[int], count: int) -> list[int]:
    """So many tokens, each the likeliest, one at a time through the cache."""
    cache = _core.Cache(loaded.engine, len(tokens) + count)
    given, made = tokens, []
    for _ in range(count):
        scores = loaded.engine.forward(np.array(given, np.int32), cache)
        made.append(int(scores.argmax()))
        given = made[-1:]
    return made


def greedy_of(model: Any, tokens: list[int], count: int) -> list[int]:
    """The same by transformers."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        found = model.generate(
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=None,
            use_cache=True,
        )
    return [int(token) for token in found[0, len(tokens) :]]


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
