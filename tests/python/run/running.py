"""One prompt through the core and through transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from meadow_py import _core
from meadow_py.run.loaded import Loaded


def run(loaded: Loaded, tokens: list[int], **options: Any) -> npt.NDArray[np.float32]:
    """``[tokens, vocab]`` in one pass."""
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
