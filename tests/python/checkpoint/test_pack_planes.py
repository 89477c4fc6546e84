"""Packed models in the runtime codec: every bit comes back, and matrices are mapped as they lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from packed_forge import Forge
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py import _core, blobs

Tree = Callable[[Path], dict[str, bytes]]
LAYER = "model.decoder.layers.0."
MAPPED = {f"{LAYER}self_attn.q_proj.weight", f"{LAYER}fc1.weight", f"{LAYER}fc2.weight"}


def tensors() -> dict[str, np.ndarray]:
    """Three matrices that planes hold, and what they do not."""
    random = np.random.default_rng(5)

    def bf16(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.02).astype(ml_dtypes.bfloat16)

    return {
        f"{LAYER}self_attn.q_proj.weight": bf16(128, 160),
        f"{LAYER}fc1.weight": bf16(320, 160).astype(np.float32),
        f"{LAYER}fc2.weight": bf16(163, 320),
        f"{LAYER}fc1.bias": bf16(320),
        f"{LAYER}self_attn.k_proj.weight": random.standard_normal((128, 160)).astype(np.float32),
        f"{LAYER}final_layer_norm.weight": bf16(160),
        "any.values": random.integers(0, 1 << 16, (64, 64)).astype(np.uint16),
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planes") / "model"
    folder.mkdir()
    save_file(tensors(), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text('{"model_type": "opt"}')
    return folder


@pytest.fixture(scope="module")
def packed(model: Path) -> Path:
    mp.pack(model, model.parent / "packed", codec="planes")
    return model.parent / "packed"


def test_every_bit_comes_back(model: Path, packed: Path, tmp_path: Path, tree: Tree) -> None:
    mp.verify(packed)
    mp.unpack(packed, tmp_path / "again")
    assert tree(tmp_path / "again") == tree(model)
    with mp.open_checkpoint(model) as before, mp.open_checkpoint(packed) as now:
        for name, tensor in before.tensors.items():
            assert now.tensors[name].raw().tobytes() == tensor.raw().tobytes(), name


def test_inspection_card_and_configuration_name_the_codec(packed: Path) -> None:
    made = mp.inspect(packed)
    assert made.codec == "planes"
    assert {tensor.name for tensor in made.tensors if tensor.codec == "planes"} == MAPPED
    for tensor in made.tensors:
        assert tensor.bytes_packed >= tensor.floor > 0
    assert "codec setting `planes`" in (packed / "MEADOW.md").read_text()
    config = json.loads((packed / "config.json").read_text())
    assert config["quantization_config"]["codec"] == "planes"
    assert "planes" in repr(made)


def test_packing_again_verifies_and_another_codec_is_another_target(
    model: Path, packed: Path
) -> None:
    assert mp.pack(model, packed, codec="planes").kept == ("model.safetensors",)
    with pytest.raises(FileExistsError):
        mp.pack(model, packed, codec="auto")


def test_only_matrices_in_planes_are_mapped_and_nothing_is_decoded(
    model: Path, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "decode", lambda *_a, **_k: pytest.fail("decoded"))
    with mp.open_checkpoint(packed) as checkpoint:
        found = {name: tensor.planes() for name, tensor in checkpoint.tensors.items()}
    assert {name for name, blob in found.items() if blob is not None} == MAPPED
    for name in MAPPED:
        blob, values = found[name], tensors()[name]
        assert blob is not None
        assert blob.ctypes.data % 64 == 0
        assert not blob.flags.writeable
        matrix = _core.mapped_matrix(blob)
        x = np.random.default_rng(1).standard_normal((3, values.shape[1])).astype(np.float32)
        dtype = "F32" if values.dtype == np.float32 else "BF16"
        dense = _core.dense_matrix(values.reshape(-1).view(np.uint8), dtype, *values.shape)
        assert matrix.multiply(x).tobytes() == dense.multiply(x).tobytes()
    with mp.open_checkpoint(model) as plain:
        assert all(tensor.planes() is None for tensor in plain.tensors.values())


def test_a_damaged_head_is_found_when_it_is_opened_and_damaged_planes_by_verify(
    packed: Path, tmp_path: Path
) -> None:
    forge = Forge(packed / "model.meadow.safetensors")
    name = f"{LAYER}fc2.weight"
    blob = bytearray(forge.stored[name])
    blob[-1] ^= 1
    forge.stored[name] = bytes(blob)
    forge.write(tmp_path / "codes.safetensors")
    with mp.open_checkpoint(tmp_path / "codes.safetensors") as checkpoint:
        assert checkpoint.tensors[name].planes() is not None
        with pytest.raises(mp.FormatError, match=r"fc2\.weight.*do not match their checksum"):
            checkpoint.tensors[name].raw()
    with pytest.raises(mp.FormatError, match=r"fc2\.weight.*do not match their checksum"):
        mp.verify(tmp_path / "codes.safetensors")
    blob[70] ^= 1
    forge.stored[name] = bytes(blob)
    forge.write(tmp_path / "head.safetensors")
    with (
        mp.open_checkpoint(tmp_path / "head.safetensors") as checkpoint,
        pytest.raises(mp.FormatError, match=r"fc2\.weight.*checksum of the head"),
    ):
        checkpoint.tensors[name].planes()


@pytest.mark.parametrize(
    ("key", "lie", "message"),
    [
        ("shape", [320, 163], r"holds \[163, 320\] of BF16, expected \[320, 163\] of BF16"),
        ("dtype", "F16", r"holds \[163, 320\] of BF16, expected \[163, 320\] of F16"),
    ],
)
def test_a_table_that_lies_about_planes_is_refused(
    packed: Path, tmp_path: Path, key: str, lie: object, message: str
) -> None:
    forge = Forge(packed / "model.meadow.safetensors")
    name = f"{LAYER}fc2.weight"
    next(entry for entry in forge.table["regions"] if entry["name"] == name)[key] = lie
    forge.write(tmp_path / "lie.safetensors")
    with (
        mp.open_checkpoint(tmp_path / "lie.safetensors") as checkpoint,
        pytest.raises(mp.FormatError, match=message),
    ):
        checkpoint.tensors[name].planes()


def test_a_blob_without_planes_that_is_called_so_is_refused(packed: Path, tmp_path: Path) -> None:
    forge = Forge(packed / "model.meadow.safetensors")
    name = f"{LAYER}self_attn.k_proj.weight"
    next(entry for entry in forge.table["regions"] if entry["name"] == name)["codec"] = "planes"
    forge.write(tmp_path / "lie.safetensors")
    with (
        mp.open_checkpoint(tmp_path / "lie.safetensors") as checkpoint,
        pytest.raises(mp.FormatError, match=r"k_proj\.weight.*holds no planes"),
    ):
        checkpoint.tensors[name].planes()


def test_of_pytorch_files_whole_matrices_are_mapped(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    whole = (torch.randn(128, 160) * 0.02).to(torch.bfloat16)
    state = {"whole": whole, "rows": whole[:64], "transposed": whole.T}
    torch.save(state, tmp_path / "pytorch_model.bin")
    mp.pack(tmp_path / "pytorch_model.bin", tmp_path / "p.safetensors", codec="planes")
    mp.verify(tmp_path / "p.safetensors")
    with mp.open_checkpoint(tmp_path / "p.safetensors") as checkpoint:
        mapped = {name for name, t in checkpoint.tensors.items() if t.planes() is not None}
        assert mapped == {"whole"}
        for name, values in state.items():
            found = checkpoint.tensors[name].raw().tobytes()
            assert found == values.contiguous().view(torch.uint8).numpy().tobytes()
