"""Products in turn: that each form is multiplied, from memory, and compared bit for bit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from meadow_py import _core
from meadow_py.measure import (
    Candidate,
    candidates_of,
    compare_products,
    host,
    in_turn,
    product_seconds,
)

ROWS, COLUMNS = 24, 40


def weight(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((ROWS, COLUMNS), np.float32)


def dense(values: np.ndarray) -> _core.Matrix:
    return _core.dense_matrix(values.copy().reshape(-1).view(np.uint8), "F32", *values.shape)


def test_tasks_run_in_turn_and_warm_up_once() -> None:
    ran: list[str] = []
    tasks = {name: (lambda name=name: ran.append(name)) for name in "ab"}
    made = in_turn(tasks, 3, lambda: ran.append("-"))
    assert "".join(ran) == "-a-b" * 4
    for timing in made.values():
        assert 0 < timing.seconds_min <= timing.seconds <= timing.seconds_max < math.inf
        assert timing.runs == 3
    assert list(made) == ["a", "b"]
    with pytest.raises(ValueError, match="rounds=0"):
        in_turn(tasks, 0)


def test_a_part_of_what_was_timed_takes_its_share() -> None:
    timing = in_turn({"a": lambda: None}, 3)["a"]
    part = timing.per(4)
    assert part.seconds == timing.seconds / 4
    assert part.runs == 3


@pytest.mark.parametrize("tokens", [1, 3])
def test_forms_of_one_weight_are_compared(tokens: int) -> None:
    forms = [Candidate(name, lambda: dense(weight())) for name in ("one", "two")]
    made = compare_products(forms, tokens, threads=1, rounds=2, keep_bytes=50_000)
    assert made.same_bits
    assert (made.tokens, made.threads) == (tokens, 1)
    nbytes = ROWS * COLUMNS * 4
    for time in made.times.values():
        assert 0 < time.seconds_min <= time.seconds < math.inf
        assert (time.nbytes, time.form, time.runs) == (nbytes, "F32", 2)
        assert time.copies == math.ceil(25_000 / nbytes)
        assert time.bytes_per_second == time.nbytes / time.seconds
    assert not made.from_memory  # so little stays in a cache
    ratio = made.times["one"].seconds / made.times["two"].seconds
    assert made.speedup("one", "two") == ratio
    json.dumps(made.to_dict(), allow_nan=False)


def test_results_that_differ_by_a_bit_are_told() -> None:
    other = weight()
    other.view(np.uint32)[-1, -1] ^= 1 << 22
    forms = [Candidate("one", lambda: dense(weight())), Candidate("two", lambda: dense(other))]
    assert not compare_products(forms, rounds=1, keep_bytes=1).same_bits


def test_every_copy_is_made_and_multiplied() -> None:
    made: list[_core.Matrix] = []

    def make() -> _core.Matrix:
        made.append(dense(weight()))
        return made[-1]

    time = compare_products([Candidate("one", make)], rounds=1, keep_bytes=40_000).times["one"]
    assert time.copies == len(made) == math.ceil(40_000 / (ROWS * COLUMNS * 4))


def test_small_weights_are_read_from_memory() -> None:
    from meadow_py.measure.bandwidth import beyond_cache_bytes

    values = np.zeros((512, 2048), np.float32)
    few, many = product_seconds(lambda: dense(values), rounds=1), weight()
    assert few.copies == min(64, math.ceil(beyond_cache_bytes() / values.nbytes))
    made = compare_products([Candidate("small", lambda: dense(many))], rounds=1)
    assert made.times["small"].copies == 64
    assert made.from_memory == (beyond_cache_bytes() > host().last_level_cache_bytes)


def test_what_cannot_be_compared_is_refused() -> None:
    square = Candidate("square", lambda: dense(weight()))
    turned = Candidate("turned", lambda: dense(np.ascontiguousarray(weight().T)))
    with pytest.raises(ValueError, match="one shape"):
        compare_products([square, turned], keep_bytes=1)
    with pytest.raises(ValueError, match="no candidates"):
        compare_products([])
    with pytest.raises(ValueError, match="tokens=0"):
        compare_products([square], tokens=0)


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
def test_the_forms_of_a_weight_hold_its_values(dtype: str) -> None:
    values = weight()
    stored = {
        "F32": values,
        "F16": values.astype(np.float16),
        "BF16": (values.view(np.uint32) >> 16).astype(np.uint16),
    }[dtype]
    exact = (
        (stored.astype(np.uint32) << 16).view(np.float32)
        if dtype == "BF16"
        else stored.astype(np.float32)
    )
    forms = candidates_of(stored, dtype)
    assert [form.name for form in forms] == ["dense", "packed"][: len(forms)]
    assert len(forms) == 1 + (dtype != "F32")  # which neither BF16 nor F16 holds exactly
    for form in forms:
        first, second = form.make(), form.make()
        assert first is not second
        for row in (0, ROWS - 1):
            assert np.array_equal(first.row(row), exact[row])
    assert forms[0].make().form == dtype


def test_dtypes_that_are_not_multiplied_have_no_forms() -> None:
    assert candidates_of(np.zeros((2, 2)), "F64") == ()
    assert candidates_of(np.zeros((0, 2), np.float32), "F32") == ()


def test_floats_that_bf16_holds_are_packed_whatever_their_dtype() -> None:
    exact = np.arange(ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS) % 128
    for dtype, stored in (("F32", exact), ("F16", exact.astype(np.float16))):
        forms = candidates_of(stored, dtype)
        made = compare_products(forms, rounds=1, keep_bytes=1, tokens=2)
        assert made.same_bits
        assert list(made.times) == ["dense", "packed"]
        assert np.array_equal(forms[1].make().row(3), exact[3])
