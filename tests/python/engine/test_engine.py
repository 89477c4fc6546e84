"""The engine against transformers, on a trained Llama."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_models import engine_config, engine_of, engine_weights

from meadow_py import _core

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PROMPT = [1, 403, 407, 261, 378]
NEW_TOKENS = 200


@pytest.fixture(scope="module")
def llama(shared_data: Path) -> Any:
    path = shared_data / "weights" / "stories260K"
    return transformers.LlamaForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def engine(llama: Any) -> _core.Engine:
    return engine_of(llama)


def ids(tokens: list[int]) -> np.ndarray[Any, Any]:
    return np.array(tokens, np.int32)


def greedy(engine: _core.Engine, dataflow: Any, count: int) -> Iterator[int]:
    cache = _core.Cache(engine, engine.positions)
    logits = engine.forward(ids(PROMPT), cache, dataflow=dataflow)
    for _ in range(count):
        token = int(logits.argmax())
        yield token
        logits = engine.forward(ids([token]), cache, dataflow=dataflow)


def test_logits_are_those_of_transformers_within_float_rounding(
    llama: Any, engine: _core.Engine
) -> None:
    tokens = np.random.default_rng(0).integers(0, engine.vocab, engine.positions, np.int32)
    with torch.no_grad():
        expected = llama(torch.tensor(tokens[None].astype(np.int64))).logits[0].numpy()
    found = engine.forward(tokens, _core.Cache(engine, engine.positions), logits="all")
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("dataflow", ["tphs", "gemm"])
def test_greedy_tokens_are_those_of_transformers(
    llama: Any, engine: _core.Engine, dataflow: Any
) -> None:
    generated = llama.generate(
        torch.tensor([PROMPT]),
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        do_sample=False,
        eos_token_id=None,
    )
    expected = generated[0, len(PROMPT) :].tolist()
    assert len(expected) == NEW_TOKENS
    assert list(greedy(engine, dataflow, NEW_TOKENS)) == expected


def test_parameters_and_bytes_are_those_of_the_checkpoint(llama: Any, engine: _core.Engine) -> None:
    parameters = sum(value.numel() for value in llama.parameters())  # tied ones once
    assert engine.parameters == parameters
    assert engine.weight_bytes == 4 * (parameters + llama.config.hidden_size)
    assert engine.layers == llama.config.num_hidden_layers
    assert engine.positions == llama.config.max_position_embeddings


def test_which_logits_come_back(engine: _core.Engine) -> None:
    caches = [_core.Cache(engine, 10) for _ in range(3)]
    every = engine.forward(ids(PROMPT), caches[0], logits="all")
    last = engine.forward(ids(PROMPT), caches[1], logits="last")
    assert every.shape == (len(PROMPT), engine.vocab)
    assert last.shape == (engine.vocab,)
    assert last.tobytes() == every[-1].tobytes()
    assert engine.forward(ids(PROMPT), caches[2], logits="none") is None
    assert [cache.length for cache in caches] == [len(PROMPT)] * 3
    assert [cache.capacity for cache in caches] == [10] * 3
    assert caches[0].nbytes == 5 * 2 * 10 * 4 * 8 * 4


def test_a_truncated_cache_goes_on_as_if_nothing_had_been(engine: _core.Engine) -> None:
    cache = _core.Cache(engine, 20)
    first = engine.forward(ids(PROMPT), cache)
    engine.forward(ids([9, 8, 7]), cache)
    cache.truncate(len(PROMPT) - 1)
    assert cache.length == len(PROMPT) - 1
    assert engine.forward(ids(PROMPT[-1:]), cache).tobytes() == first.tobytes()


def test_the_engine_keeps_its_weights_and_a_cache_its_engine(llama: Any) -> None:
    engine = engine_of(llama)
    expected = list(greedy(engine, "tphs", 5))
    cache = _core.Cache(engine, 5)
    gc.collect()
    assert list(greedy(engine, "tphs", 5)) == expected
    del engine
    gc.collect()
    assert cache.length == 0
    cache.truncate(0)


def test_threads_run_one_engine_with_caches_of_their_own(engine: _core.Engine) -> None:
    expected = list(greedy(engine, "tphs", 40))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: list(greedy(engine, "tphs", 40)), range(8)))
    assert found == [expected] * 8


def test_traffic_of_the_scores_is_what_fusing_saves(engine: _core.Engine) -> None:
    fused = engine.attention_traffic(100)
    unfused = engine.attention_traffic(100, dataflow="gemm")
    assert fused["scores_written"] == fused["scores_read"] == 0
    # 5 layers, 8 heads, 100 * 101 / 2 scores of 4 bytes, each written and read twice.
    assert unfused["scores_written"] == unfused["scores_read"] == 5 * 8 * 5050 * 4 * 2
    assert fused["queries"] == unfused["queries"] == 5 * 100 * 64 * 4
    later = engine.attention_traffic(1, before=99, dataflow="gemm")
    assert later["keys"] == 5 * 8 * 100 * 8 * 4
    with pytest.raises(ValueError, match="found 500 tokens after 13"):
        engine.attention_traffic(500, before=13)


def test_a_bias_of_the_head_moves_the_logits(llama: Any, engine: _core.Engine) -> None:
    matrices, vectors = engine_weights(llama)
    bias = np.linspace(-1, 1, engine.vocab, dtype=np.float32)
    other = _core.Engine(engine_config(llama.config), matrices, {**vectors, "head.bias": bias})
    plain = engine.forward(ids(PROMPT), _core.Cache(engine, 9))
    moved = other.forward(ids(PROMPT), _core.Cache(other, 9))
    np.testing.assert_array_equal(moved, plain + bias)
