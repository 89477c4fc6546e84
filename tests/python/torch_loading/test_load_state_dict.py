"""`meadow_py.torch.load_state_dict`: all tensors of packed files, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from same_model import bits

from meadow_py import open_checkpoint
from meadow_py.checkpoint import pack

if TYPE_CHECKING:
    from conftest import Find

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402 - needs torch

from meadow_py.torch import load_state_dict  # noqa: E402 - needs torch
from meadow_py.torch.tensors import to_torch  # noqa: E402 - needs torch

DTYPES = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "bool",
    "complex64",
]


def random_bits(dtype: str, shape: tuple[int, ...]) -> Any:
    """Every bit pattern may appear: NaN payloads, infinities, denormals."""
    kind = getattr(torch, dtype)
    size = int(np.prod(shape)) * torch.empty(0, dtype=kind).element_size()
    data = np.random.default_rng(len(dtype)).integers(0, 256, size, np.uint8)
    if dtype == "bool":
        data &= 1
    return (
        torch.from_numpy(data).view(kind).reshape(shape) if size else torch.empty(shape, dtype=kind)
    )


def test_every_dtype_and_odd_shapes(tmp_path: Path) -> None:
    known = [dtype for dtype in DTYPES if hasattr(torch, dtype)]
    assert len(known) >= 17
    shapes = {"matrix": (61, 34), "scalar": (), "empty": (0, 4), "one": (1,), "cube": (3, 5, 2)}
    source = {
        f"{dtype}.{name}": random_bits(dtype, shape)
        for dtype in known
        for name, shape in shapes.items()
        if dtype != "float4_e2m1fn_x2" or name == "matrix"
    }
    save_file(source, tmp_path / "model.safetensors")
    pack(tmp_path / "model.safetensors", tmp_path / "packed.safetensors")
    found = load_state_dict(tmp_path / "packed.safetensors")
    expected = load_file(tmp_path / "model.safetensors")
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape), name
        assert bits(found[name]) == bits(tensor), name


@pytest.mark.parametrize("find", ["packed", "dense"])
@pytest.mark.parametrize("name", ["opt-bf16", "opt-f16-bin"])
def test_tensors_are_ours_to_write_to(name: str, find: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(find)(name)
    first, second = load_state_dict(folder), load_state_dict(folder)
    before = {name: bits(tensor) for name, tensor in second.items()}
    for tensor in first.values():
        tensor.fill_(3)
    assert {name: bits(tensor) for name, tensor in second.items()} == before
    assert {name: bits(tensor) for name, tensor in load_state_dict(folder).items()} == before
    assert all(bits(tensor) != before[name] for name, tensor in first.items())


def test_what_was_decoded_is_not_copied(packed: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Any] = []
    with open_checkpoint(packed("opt-bf16")) as checkpoint:
        tensors = list(checkpoint.tensors.values())
        for tensor in tensors:
            read = tensor._read
            keep = lambda read=read: decoded.append(read()) or decoded[-1]  # noqa: E731
            monkeypatch.setattr(tensor, "_read", keep)
        assert tensors
        for n, tensor in enumerate(tensors):
            assert to_torch(tensor).data_ptr() == decoded[n].ctypes.data


@pytest.mark.parametrize("name", ["opt-bf16", "llama-f32-sharded", "llama-bf16-bin-sharded"])
def test_a_module_takes_it(name: str, dense: Find, packed: Find) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(dense(name))
    expected = {key: bits(tensor) for key, tensor in model.state_dict().items()}
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    model.load_state_dict(
        load_state_dict(packed(name)), strict=not model.config.tie_word_embeddings
    )
    assert {key: bits(tensor) for key, tensor in model.state_dict().items()} == expected


def test_what_is_not_packed_is_read_as_it_is(dense: Find, packed: Find) -> None:
    found, expected = load_state_dict(dense("opt-bf16")), load_state_dict(packed("opt-bf16"))
    assert {name: bits(tensor) for name, tensor in found.items()} == {
        name: bits(tensor) for name, tensor in expected.items()
    }


def test_gguf_is_refused_with_what_to_do(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    values = np.random.default_rng(5).standard_normal((4, 64)).astype(np.float32)
    blocks = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("blk.0.attn_q.weight", blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    pack(path, tmp_path / "packed.safetensors")
    with pytest.raises(TypeError, match=r"attn_q\.weight' holds Q8_0.*dequantized.*meadow unpack"):
        load_state_dict(tmp_path / "packed.safetensors")


def test_a_name_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_state_dict(tmp_path / "none")
