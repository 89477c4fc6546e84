"""Unique extraction against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meadow_py import _core

CODE_TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32)


def padded_chunks(codes: np.ndarray, chunk: int, along: str) -> np.ndarray:
    """All chunks `[count, chunk]` by the definition, in numpy."""
    cut = codes if along == "in" else codes.T
    rows, columns = cut.shape
    per_row = -(-columns // chunk)
    padded = np.zeros((rows, per_row * chunk), codes.dtype)
    padded[:, :columns] = cut
    return padded.reshape(-1, chunk)


@st.composite
def code_arrays(draw: st.DrawFn) -> np.ndarray:
    dtype: Any = np.dtype(draw(st.sampled_from(CODE_TYPES)))
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=30))
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    few = st.sampled_from([0, 1, 2, low, high])
    return draw(hnp.arrays(dtype, shape, elements=few))


@given(code_arrays(), st.integers(1, 16), st.sampled_from(["in", "out"]), st.integers(1, 3))
def test_chunks_equal_numpy(codes: np.ndarray, chunk: int, along: str, threads: int) -> None:
    dictionary, counts, indices = _core.unique_chunks(
        codes, codes.itemsize * 8, chunk, along, threads
    )
    chunks = padded_chunks(codes, chunk, along)
    np.testing.assert_array_equal(dictionary[indices], chunks)
    assert len(np.unique(dictionary, axis=0)) == len(dictionary) == len(counts)
    np.testing.assert_array_equal(np.bincount(indices, minlength=len(counts)), counts)
    first_seen = np.unique(indices, return_index=True)[1]
    assert (np.diff(first_seen) > 0).all(), "the dictionary is in order of first appearance"


@pytest.mark.parametrize("chunk", [2, 3, 4, 8, 16])
def test_any_number_of_threads_gives_the_same_dictionary(chunk: int) -> None:
    values = np.random.default_rng(0).standard_t(3, (1500, 1024)) * 4
    codes = np.clip(np.rint(values), -127, 127).astype(np.int8)
    expected = _core.unique_chunks(codes, 8, chunk, "in", 1)
    assert len(expected) > 0
    for threads in (2, 3, 8):
        for a, b in zip(expected, _core.unique_chunks(codes, 8, chunk, "in", threads), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [0, 17])
def test_chunk_sizes_outside_1_to_16_are_refused(bad: int) -> None:
    with pytest.raises(ValueError, match=f"chunk size: expected 1 to 16, found {bad}"):
        _core.unique_chunks(np.zeros((2, 2), np.int8), 8, bad)


def test_arrays_that_the_core_cannot_read_are_refused() -> None:
    plain = np.zeros((4, 6), np.int16)
    with pytest.raises(ValueError, match="C-contiguous"):
        _core.unique_chunks(plain.T, 16, 2)
    with pytest.raises(ValueError, match="native byte order"):
        _core.unique_chunks(plain.astype(">i2"), 16, 2)
    with pytest.raises(ValueError, match="2 dimensions"):
        _core.unique_chunks(np.zeros(4, np.int8), 8, 2)
    for dtype in (np.float32, np.int64, np.complex64, bool, object):
        with pytest.raises(TypeError, match="found dtype"):
            _core.unique_chunks(np.zeros((4, 6), dtype), 8, 2)


def test_codes_that_do_not_fit_their_bits_are_named() -> None:
    codes = np.zeros((3, 5), np.int8)
    codes[1, 4] = 8
    with pytest.raises(ValueError, match=r"4 signed bits, found another at \[1, 4\]"):
        _core.unique_chunks(codes, 4, 2)


@given(
    code_arrays().filter(lambda codes: codes.dtype.itemsize == 1),
    st.integers(1, 16),
    st.sampled_from(["in", "out"]),
    st.integers(1, 40),
)
def test_growth_equals_numpy(codes: np.ndarray, chunk: int, along: str, points: int) -> None:
    made = _core.Chunks(codes, 8, chunk, along)
    chunks = padded_chunks(codes, chunk, along)
    growth = made.growth(points)
    assert growth[-1] == (made.count, made.unique)
    read = [position for position, _ in growth]
    assert read == ([len(chunks) * n // len(read) for n in range(1, len(read) + 1)])
    assert len(read) == max(1, min(points, len(chunks)))
    for position, unique in growth:
        assert unique == len(np.unique(chunks[:position], axis=0)) or position == 0


def test_growth_of_nothing_and_at_no_points() -> None:
    assert _core.Chunks(np.zeros((0, 5), np.int8), 8, 2).growth() == [(0, 0)]
    with pytest.raises(ValueError, match="points: expected at least 1"):
        _core.Chunks(np.zeros((2, 5), np.int8), 8, 2).growth(0)


def test_chunks_keep_their_codes_alive() -> None:
    chunks = _core.Chunks(np.arange(100, dtype=np.int8).reshape(10, 10), 8, 2)
    again = _core.decode(chunks.pack_dictionary(verify=True))
    np.testing.assert_array_equal(again, np.arange(100).reshape(10, 10))
