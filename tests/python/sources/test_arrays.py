"""Dicts of numpy arrays and torch tensors, in every layout that numpy has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from meadow_py.dispatch import open_checkpoint
from meadow_py.sources.dtypes import NUMPY

BASE = np.frombuffer(np.random.default_rng(8).bytes(6 * 8 * 4), np.float32).reshape(6, 8)


class Subclass(np.ndarray):
    """What libraries derive from numpy's arrays."""


LAYOUTS = {
    "plain": BASE,
    "fortran": np.asfortranarray(BASE),
    "transposed": BASE.T,
    "every second": BASE[::2, ::2],
    "reversed": BASE[::-1, ::-1],
    "broadcast": np.broadcast_to(BASE[0], (4, 8)),
    "big-endian": BASE.view("u4").byteswap().view(">f4"),
    "big-endian fortran": np.asfortranarray(BASE.view("u4").byteswap().view(">f4")),
    "0-d": np.array(BASE[0, 0]),
    "5-d": BASE.reshape(2, 3, 2, 1, 4),
    "empty": BASE[:0],
    "no columns": BASE[:, :0],
    "subclass": BASE.view(Subclass),
}


def bits(array: Any) -> list[int]:
    """The bit patterns in row-major order, read one value at a time."""
    words = array.view(np.uint32 if array.dtype.isnative else ">u4")
    return [int(words[index]) for index in np.ndindex(array.shape)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_their_bits(layout: str) -> None:
    array = LAYOUTS[layout]
    before = array.tobytes()
    tensor = open_checkpoint({"w": array}).tensors["w"]
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == ("F32", array.shape, array.nbytes)
    assert tensor.file is None
    typed = tensor.array()
    assert type(typed) is np.ndarray
    assert typed.dtype == np.float32
    assert typed.dtype.isnative
    assert typed.shape == array.shape
    assert bits(typed) == bits(array)
    assert tensor.raw().tobytes() == typed.tobytes()
    assert not typed.flags.writeable
    assert array.tobytes() == before


def test_plain_arrays_are_not_copied() -> None:
    array = np.ones((3, 4), np.float16)
    checkpoint = open_checkpoint({"w": array})
    assert np.shares_memory(checkpoint.tensors["w"].array(), array)
    assert np.shares_memory(checkpoint.weights[0].array(), array)
    assert array.flags.writeable


@pytest.mark.parametrize("dtype", sorted(set(NUMPY) - {"C64"}))
def test_every_dtype(dtype: str) -> None:
    array = np.frombuffer(bytes([1, 0] * 24), NUMPY[dtype])
    tensor = open_checkpoint({"w": array}).tensors["w"]
    assert tensor.dtype == dtype
    assert tensor.raw().tobytes() == array.tobytes()


@given(
    npst.arrays(
        st.sampled_from(["<u2", ">u2", "<i8", ">i8", ">u4"]),
        npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    ),
    st.booleans(),
)
def test_any_integer_array(array: Any, fortran: bool) -> None:
    array = np.asfortranarray(array) if fortran else array
    found = open_checkpoint({"w": array}).tensors["w"].array()
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative


REFUSED = {
    "object": np.array([None, 1]),
    "string": np.array(["a", "b"]),
    "bytes": np.array([b"a"]),
    "complex64": np.ones(2, np.complex64),
    "complex128": np.ones(2, np.complex128),
    "date": np.array(["2020-01-01"], "M8[D]"),
    "record": np.zeros(2, [("a", "f4")]),
    "long double": np.ones(2, np.longdouble),
    "int4": np.ones(2, ml_dtypes.int4),
    "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
    "list": [1.0, 2.0],
    "number": 1.0,
    "None": None,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str) -> None:
    with pytest.raises(TypeError, match=r"'layers.0.w'"):
        open_checkpoint({"fine": np.ones((2, 2)), "layers.0.w": REFUSED[kind]})


def test_names_are_strings() -> None:
    with pytest.raises(TypeError, match="names of arrays are strings, not int"):
        open_checkpoint({1: np.ones((2, 2))})


def test_names_can_be_printed() -> None:
    with pytest.raises(ValueError, match=r"the name 'a\\ud800b' holds a lone surrogate"):
        open_checkpoint({"a\ud800b": np.ones((2, 2))})


def test_empty_dict() -> None:
    with pytest.raises(ValueError, match="the dict of arrays is empty"):
        open_checkpoint({})


@pytest.mark.parametrize("model", [3, None, [np.ones(2)], np.ones((2, 2)), b"bytes"], ids=repr)
def test_no_model(model: Any) -> None:
    with pytest.raises(TypeError, match=r"is not a model: expected a hub id, a folder"):
        open_checkpoint(model)


def test_an_open_checkpoint_is_returned_as_it_is() -> None:
    checkpoint = open_checkpoint({"w": np.ones((2, 2), np.float32)})
    assert open_checkpoint(checkpoint) is checkpoint
    assert checkpoint.format == "arrays"
    assert checkpoint.config is None


def test_torch_tensors_in_a_dict() -> None:
    torch = pytest.importorskip("torch")
    tensors = {"a": torch.ones(2, 3, dtype=torch.bfloat16), "b": np.ones((2, 2))}
    checkpoint = open_checkpoint(tensors)
    assert [tensor.dtype for tensor in checkpoint.tensors.values()] == ["BF16", "F64"]
    with pytest.raises(TypeError, match="'c' has dtype complex64"):
        open_checkpoint({"c": torch.ones(2, dtype=torch.complex64)})


def test_integers_are_tensors_but_no_weights() -> None:
    arrays = {"w": np.ones((4, 6), np.float32), "ids": np.ones((4, 6), np.int64)}
    checkpoint = open_checkpoint(arrays)
    assert list(checkpoint.tensors) == ["w", "ids"]
    assert [weight.name for weight in checkpoint.weights] == ["w"]
    assert checkpoint.weights[0].shape == (4, 6)


def test_dequantized_is_float32() -> None:
    values = np.array([[1.5, -2.0]])
    for dtype in (np.float64, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8):
        found = open_checkpoint({"w": values.astype(dtype)}).tensors["w"].dequantized()
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, values.astype(dtype).astype(np.float32))


def test_mapped_arrays_stay_mapped(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=(4, 4))
    assert np.shares_memory(open_checkpoint({"w": mapped}).tensors["w"].array(), mapped)
