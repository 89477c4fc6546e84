"""What the engine refuses, and in which words. Needs neither torch nor transformers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from engine_models import matrix, small_parts

from meadow_py import _core


@pytest.fixture
def engine() -> _core.Engine:
    return _core.Engine(*small_parts())


def ids(*tokens: int) -> np.ndarray[Any, Any]:
    return np.array(tokens, np.int32)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("layers", -1, "config layers: expected a whole number of at least 0, found -1"),
        ("layers", 2.5, "config layers: expected a whole number of at least 0, found 2.5"),
        ("layers", True, "config layers: expected a whole number of at least 0, found True"),
        ("hidden", 0, "config hidden: expected 1 to 2147483647, found 0"),
        ("norm", "batch", "config norm: expected one of 'layer', 'rms', found 'batch'"),
        ("norm", 3, "config norm: expected one of 'layer', 'rms', found 3"),
        ("norm_eps", "x", "config norm_eps: expected a number, found 'x'"),
        ("gated", 1, "config gated: expected True or False, found 1"),
        ("windows", [0], "config windows: expected 2 values, found 1"),
        ("windows", [0, -4], "config windows: expected a list of whole numbers of at least 0"),
        ("windows", 7, "config windows: expected a list of whole numbers of at least 0, found 7"),
        ("rotary_of_layer", [0, 1], "config rotary_of_layer: expected -1 .none. or a kind below 1"),
        ("rotary_frequencies", [[1.0, 0.1]], "expected a float32 array, found"),
        ("rotary_frequencies", np.ones((1, 2)), "rotary_frequencies: expected float32, found"),
        ("rotary_frequencies", np.ones(2, np.float32), r"expected shape \[1, rotary_dim / 2\]"),
        ("rotary_frequencies", np.ones((1, 3), np.float32), "expected 2 values, found 3"),
        ("attention_scale", float("nan"), "attention_scale: expected a finite number, found nan"),
    ],
)
def test_config_values(key: str, value: Any, message: str) -> None:
    config, matrices, vectors = small_parts()
    with pytest.raises(ValueError, match=message):
        _core.Engine({**config, key: value}, matrices, vectors)


def test_config_keys() -> None:
    config, matrices, vectors = small_parts()
    with pytest.raises(ValueError, match="config: expected no key 'width', found one"):
        _core.Engine({**config, "width": 3}, matrices, vectors)
    for key in config:
        rest = {name: value for name, value in config.items() if name != key}
        with pytest.raises(ValueError, match=f"config: expected a key '{key}', found none"):
            _core.Engine(rest, matrices, vectors)


def test_every_weight_is_needed_and_no_other() -> None:
    config, matrices, vectors = small_parts()
    for name in matrices:
        rest = {key: value for key, value in matrices.items() if key != name}
        with pytest.raises(ValueError, match=f"expected a matrix '{name}' of shape"):
            _core.Engine(config, rest, vectors)
    with pytest.raises(ValueError, match=r"expected no matrix 'layers\.2\.q'"):
        _core.Engine(config, {**matrices, "layers.2.q": matrices["layers.0.q"]}, vectors)
    with pytest.raises(ValueError, match=r"expected no vector 'layers\.0\.q\.scale'"):
        _core.Engine(config, matrices, {**vectors, "layers.0.q.scale": np.ones(16, np.float32)})


def test_shapes_and_kinds_of_matrices() -> None:
    config, matrices, vectors = small_parts()
    wrong = {**matrices, "layers.1.k": matrix(np.ones((16, 16)))}
    with pytest.raises(ValueError, match=r"'layers.1.k': expected shape \[8, 16\], found \[16, 16"):
        _core.Engine(config, wrong, vectors)
    wrong = {**matrices, "head": 3}
    with pytest.raises(TypeError, match="matrices 'head': expected a Matrix, found <class 'int'>"):
        _core.Engine(config, wrong, vectors)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.ones(15, np.float32), ValueError, "expected 16 values, found 15"),
        (np.ones((4, 4), np.float32), ValueError, "expected 1 dimension, found 2"),
        (np.ones(16), TypeError, "expected float32, found float64"),
        ([1.0] * 16, TypeError, "expected a float32 array"),
    ],
)
def test_shapes_and_kinds_of_vectors(values: Any, error: type[Exception], message: str) -> None:
    config, matrices, _ = small_parts()
    with pytest.raises(error, match=f"'final_norm.weight': {message}"):
        _core.Engine(config, matrices, {"final_norm.weight": values})


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        (ids(), ValueError, "tokens: expected one or more, found none"),
        (ids(0, 30), ValueError, "tokens: expected ids of 0 to 29, found 30 at index 1"),
        (ids(-1), ValueError, "tokens: expected ids of 0 to 29, found -1 at index 0"),
        (ids(*[1] * 6), ValueError, "context: expected at most 8 tokens.* found 3 and 6 more"),
        (np.ones(2, np.int64), TypeError, "tokens: expected int32, found int64"),
        (np.ones((1, 2), np.int32), ValueError, "tokens: expected 1 dimension, found 2"),
        (np.ones(8, np.int32)[::2], ValueError, "tokens: expected a C-contiguous array"),
    ],
)
def test_tokens(engine: _core.Engine, tokens: Any, error: type[Exception], message: str) -> None:
    cache = _core.Cache(engine, 8)
    engine.forward(ids(1, 2, 3), cache)
    with pytest.raises(error, match=message):
        engine.forward(tokens, cache)
    assert cache.length == 3


def test_other_arguments(engine: _core.Engine) -> None:
    cache = _core.Cache(engine, 8)
    with pytest.raises(ValueError, match="logits: expected 'last', 'all' or 'none', found 'first'"):
        engine.forward(ids(1), cache, logits="first")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="dataflow: expected 'tphs' or 'gemm', found 'fused'"):
        engine.forward(ids(1), cache, dataflow="fused")  # type: ignore[call-overload]
    for capacity in (0, 33):
        with pytest.raises(ValueError, match=f"capacity: expected 1 to 32 .* found {capacity}"):
            _core.Cache(engine, capacity)
    with pytest.raises(ValueError, match="truncate: expected a length of at most 0, found 1"):
        cache.truncate(1)
    twin = _core.Engine(*small_parts())
    with pytest.raises(ValueError, match="cache: expected one that was made for this engine"):
        twin.forward(ids(1), cache)


def test_logits_that_hold_nan() -> None:
    config, matrices, vectors = small_parts()
    values = np.ones((30, 16))
    values[7] = np.nan
    engine = _core.Engine(config, {**matrices, "embedding": matrix(values)}, vectors)
    cache = _core.Cache(engine, 8)
    with pytest.raises(ValueError, match="logits: expected numbers, found NaN at position 2"):
        engine.forward(ids(1, 2, 7), cache, logits="all")
    assert cache.length == 0
    assert np.isfinite(engine.forward(ids(1, 2, 6), cache)).all()


def test_classes_make_no_objects_without_a_model(engine: _core.Engine) -> None:
    for made in (engine, _core.Cache(engine, 8)):
        with pytest.raises(TypeError, match="made by a function"):
            type(made).__new__(type(made))


def test_a_cache_in_use_is_refused_and_a_call_can_be_ended() -> None:
    engine = _core.Engine(*small_parts(positions=60_000))  # attention over them takes many seconds
    cache = _core.Cache(engine, engine.positions)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(engine.forward, np.ones(60_000, np.int32), cache)
        deadline = time.monotonic() + 60
        while cache.length == 0 and time.monotonic() < deadline:  # one block of tokens is through
            threading.Event().wait(0.005)
        with pytest.raises(ValueError, match="found one that another call is using"):
            engine.forward(ids(1), cache)
        with pytest.raises(ValueError, match="found one that another call is using"):
            cache.truncate(0)
        _core.cancel_running()
        with pytest.raises(CancelledError):
            call.result(60)
    assert cache.length == 0
    assert engine.forward(ids(1), cache).shape == (30,)
