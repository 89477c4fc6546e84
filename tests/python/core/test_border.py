"""Hostile arguments to the core: a Python error, never a crash, a hang or a wrong number."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from meadow_py import FormatError, _core


@pytest.mark.parametrize("group", [2**64 - 1, 2**63, 11])
def test_a_group_longer_than_a_row_is_the_row(group: int) -> None:
    values = np.ones((3, 10), np.float32)
    codes, scales, _, _, noise = _core.quantize(values, "F32", 8, True, "group", group)
    assert scales.shape == (3, 1)
    assert noise == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(_core.dequantize(codes, scales, None, group), values, rtol=1e-6)
    with pytest.raises(ValueError, match="scales: expected shape"):
        _core.dequantize(codes, np.zeros((3, 0), np.float32), None, group)


def test_a_long_empty_side_costs_nothing() -> None:
    empty = np.zeros((2**42, 0), np.float32)
    for granularity in ("tensor", "row", "group"):
        codes, *_ = _core.quantize(empty, "F32", 8, True, granularity, 4)
        assert codes.size == 0
    assert _core.Chunks(np.zeros((0, 5), np.int8), 8, 2).count == 0
    with pytest.raises(ValueError, match=r"2\^40"):
        _core.Chunks(np.zeros((2**41, 0), np.int8), 8, 2)


def test_zero_points_that_no_quantiser_gives_do_not_overflow() -> None:
    codes = np.ones((1, 1), np.uint8)
    zero = np.full((1, 1), -(2**31), np.int32)
    again = _core.dequantize(codes, np.ones((1, 1), np.float32), zero, 1)
    assert again[0, 0] == np.float32(2**31 + 1)


def test_elements_at_odd_addresses_are_refused() -> None:
    odd = np.frombuffer(b"x" * 4001, np.uint32, offset=1).reshape(10, 100)
    with pytest.raises(ValueError, match="aligned"):
        _core.unique_chunks(odd, 32, 2)
    with pytest.raises(ValueError, match="aligned"):
        _core.content_dtype(odd, "F32")


@pytest.mark.parametrize("dtype", ["O", "S4", "i4", "M8[s]", "?", "c8"])
def test_values_of_another_kind_are_refused(dtype: str) -> None:
    values = np.zeros((4, 4), dtype)
    for name in ("F64", "F32", "F16", "BF16"):
        with pytest.raises(TypeError, match="expected"):
            _core.quantize(values, name, 8, True, "tensor", 0)
    if np.dtype(dtype).kind not in "iu":
        with pytest.raises(TypeError, match="expected"):
            _core.symbol_counts(values, 8)


def test_chunks_are_made_by_their_function_only() -> None:
    chunks = _core.Chunks(np.zeros((2, 2), np.int8), 8, 2)
    with pytest.raises(TypeError, match="is made by"):
        type(chunks).__new__(type(chunks))
    with pytest.raises(TypeError, match="is made by"):
        type(chunks)()  # type: ignore[call-arg]


def test_codes_that_change_while_they_are_read_do_no_harm() -> None:
    random = np.random.default_rng(0).integers(0, 2**32, (200, 500), dtype=np.uint32)
    codes = random.copy()
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            codes[:] = 0
            codes[:] = random

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(200):
            try:
                dictionary, _, indices = _core.unique_chunks(codes, 32, 1)
            except ValueError as error:
                assert "expected no change" in str(error)  # noqa: PT017
            else:
                assert indices.max(initial=0) < len(dictionary)
    finally:
        stop.set()
        thread.join()


def test_chunks_made_to_collide_under_one_multiplier_do_not_collide() -> None:
    """Keys that the fixed hash of an earlier version sent to one slot; they took minutes."""
    golden = 0x9E3779B97F4A7C15
    inverse = pow(golden, -1, 2**64)
    top = (np.arange(2**17, dtype=np.uint64) * np.uint64(inverse)).astype(np.uint64)
    unmixed = (top ^ (top >> np.uint64(32))) * np.uint64(inverse)
    codes = unmixed.view(np.uint8).reshape(-1, 8)
    chunks = _core.Chunks(codes, 8, 8)
    assert chunks.unique == len(np.unique(unmixed))


def test_a_foolish_number_of_threads_works() -> None:
    codes = np.random.default_rng(0).integers(0, 9, (500, 500)).astype(np.uint8)
    expected = _core.unique_chunks(codes, 8, 4, "in", 1)
    assert len(expected) > 0
    for a, b in zip(expected, _core.unique_chunks(codes, 8, 4, "in", 10**6), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_caller_may_bound_what_a_stream_promises() -> None:
    stream = _core.Chunks(np.zeros((1000, 1000), np.int8), 8, 16).pack_dictionary()
    assert len(stream) < 200
    assert _core.decode(stream, max_bytes=10**6).shape == (1000, 1000)
    with pytest.raises(FormatError, match="at most 999999 bytes"):
        _core.decode(stream, max_bytes=10**6 - 1)


def test_too_many_widths_are_refused_before_anything_is_written() -> None:
    chunks = _core.Chunks(np.zeros((8, 8), np.int8), 8, 2)
    with pytest.raises(ValueError, match="at most 32"):
        chunks.pack_packets(False, 8, tuple(range(33)), verify=False)
