"""Files that the safetensors package wrote come back bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError
from meadow_py.sources import Tensor
from meadow_py.sources.dtypes import BITS, NUMPY

SHAPES = [(3, 5), (), (0,), (4, 0, 2), (2, 1, 3, 2, 2), (1,)]


def write(path: Path, tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> Path:
    """Write raw bytes as tensors of any dtype with the package's own writer."""
    from safetensors.numpy import save_file

    arrays = {
        name: np.frombuffer(data, NUMPY[dtype]).reshape(shape)
        for name, (dtype, shape, data) in tensors.items()
    }
    save_file(arrays, path)
    return path


@pytest.mark.parametrize("dtype", sorted(NUMPY))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_dtype_and_shape(dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    size = int(np.prod(shape)) * BITS[dtype] // 8
    data = np.random.default_rng(1).bytes(size)
    if dtype == "BOOL":
        data = bytes(byte & 1 for byte in data)
    path = write(tmp_path / "x.safetensors", {"a": (dtype, shape, data)})
    tensor = open_checkpoint(path).tensors["a"]
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == (dtype, shape, size)
    assert tensor.file == str(path)
    assert_bits(tensor, data)


def assert_bits(tensor: Tensor, data: bytes) -> None:
    raw, array = tensor.raw(), tensor.array()
    assert raw.dtype == np.uint8
    assert raw.shape == (len(data),)
    assert raw.tobytes() == data
    assert array.dtype == NUMPY[tensor.dtype]
    assert array.dtype.isnative
    assert array.shape == tensor.shape
    assert array.tobytes() == data
    assert not raw.flags.writeable
    assert not array.flags.writeable


@pytest.mark.parametrize(("dtype", "bits"), [("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6)])
def test_packed_values_have_bytes_but_no_array(dtype: str, bits: int, tmp_path: Path) -> None:
    data = bytes(range(bits * 4))
    header = {"a": {"dtype": dtype, "shape": [8, 4], "data_offsets": [0, len(data)]}}
    text = json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    tensor = open_checkpoint(path).tensors["a"]
    assert tensor.raw().tobytes() == data
    with pytest.raises(TypeError, match=rf"'a' holds packed {dtype}"):
        tensor.array()


@given(
    npst.arrays(np.uint16, npst.array_shapes(max_dims=4, min_side=0)),
    st.sampled_from(["BF16", "F16"]),
)
def test_every_bit_pattern(tmp_path_factory: Any, patterns: Any, dtype: str) -> None:
    path = tmp_path_factory.mktemp("patterns") / "x.safetensors"
    write(path, {"w": (dtype, patterns.shape, patterns.tobytes())})
    with open_checkpoint(path) as checkpoint:
        assert_bits(checkpoint.tensors["w"], patterns.tobytes())


def test_nan_payloads(tmp_path: Path) -> None:
    patterns = np.array([0x7F800001, 0xFFC12345, 0x7FFFFFFF, 0x80000000, 1], np.uint32)
    path = write(tmp_path / "x.safetensors", {"w": ("F32", (5,), patterns.tobytes())})
    tensor = open_checkpoint(path).tensors["w"]
    assert_bits(tensor, patterns.tobytes())
    assert tensor.dequantized().tobytes() == patterns.tobytes()


def test_order_is_that_of_the_data_and_metadata_is_no_tensor(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    arrays = {"b": np.ones((2, 2), np.float32), "a": np.ones(3, np.float16), "c": np.int64(1)}
    save_file({k: np.asarray(v) for k, v in arrays.items()}, tmp_path / "x.safetensors", {"k": "v"})
    checkpoint = open_checkpoint(tmp_path / "x.safetensors")
    files = json.loads(_header(tmp_path / "x.safetensors"))
    del files["__metadata__"]
    assert list(checkpoint.tensors) == sorted(files, key=lambda k: files[k]["data_offsets"])
    assert checkpoint.nbytes == 16 + 6 + 8


def _header(path: Path) -> bytes:
    data = path.read_bytes()
    return data[8 : 8 + int.from_bytes(data[:8], "little")]


def test_arrays_outlive_the_checkpoint_but_reading_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"w": ("U8", (4,), b"abcd")})
    with open_checkpoint(path) as checkpoint:
        array = checkpoint.tensors["w"].array()
    assert array.tobytes() == b"abcd"
    with pytest.raises(ValueError, match="closed"):
        checkpoint.tensors["w"].raw()


def test_file_that_shrinks_while_open(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"w": ("U8", (9000,), bytes(9000))})
    checkpoint = open_checkpoint(path)
    with path.open("r+b") as file:
        file.truncate(100)
    with pytest.raises(
        FormatError, match=r"x\.safetensors: changed while it was being read.*100 B"
    ):
        checkpoint.tensors["w"].raw()


def test_content_dtype(tmp_path: Path) -> None:
    pytest.importorskip("meadow_py._core")
    rng = np.random.default_rng(2)
    bf16 = rng.integers(0x3F00, 0x4000, 500, np.uint16)
    values = {
        "from_bf16": (bf16.astype(np.uint32) << 16).view(np.float32),
        "from_f16": (rng.integers(0x2C01, 0x3C00, 500, np.uint16) | 1)
        .view(np.float16)
        .astype("f4"),
        "true_f32": rng.standard_normal(500).astype(np.float32),
        "f16_from_bf16": (bf16.astype(np.uint32) << 16).view(np.float32).astype(np.float16),
        "true_f16": rng.standard_normal(500).astype(np.float16),
        "f64": rng.standard_normal(5),
        "i32": np.arange(5, dtype=np.int32),
        "empty": np.zeros((0, 3), np.float32),
    }
    checkpoint = open_checkpoint(values)
    found = {name: tensor.content_dtype() for name, tensor in checkpoint.tensors.items()}
    assert found == {
        "from_bf16": "BF16",
        "from_f16": "F16",
        "true_f32": "F32",
        "f16_from_bf16": "BF16",
        "true_f16": "F16",
        "f64": "F64",
        "i32": "I32",
        "empty": "F32",
    }
    assert all(tensor.content_dtype() == found[name] for name, tensor in checkpoint.tensors.items())
