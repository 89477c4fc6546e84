"""A packed model opened as any other: the same tensors, profiles and configuration."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py import demo
from meadow_py.sources import Checkpoint

SETTINGS: dict[str, Any] = {"granularity": "tensor", "chunk_sizes": 2, "progress": False}


def same(one: Checkpoint, other: Checkpoint) -> bool:
    def described(checkpoint: Checkpoint) -> list[Any]:
        return [(t.name, t.dtype, t.shape, t.raw().tobytes()) for t in checkpoint.tensors.values()]

    return described(one) == described(other)


@pytest.mark.parametrize("name", ["plain", "sharded"])
def test_folders(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue(name)
    mp.pack(source, tmp_path / "packed")
    with mp.open_checkpoint(source) as before, mp.open_checkpoint(tmp_path / "packed") as now:
        assert same(now, before)
        assert now.format == "meadow"
        assert now.config == before.config
        assert "quantization_config" not in now.config
        assert now.nbytes == before.nbytes
        assert [w.name for w in now.weights] == [w.name for w in before.weights]


def test_a_file_alone(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain / "model.safetensors", tmp_path / "p.safetensors")
    with mp.open_checkpoint(tmp_path / "p.safetensors") as now:
        assert now.config is None
        assert same(now, mp.open_checkpoint(plain))


def test_a_shard_of_a_packed_folder_alone(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain, tmp_path / "packed")
    now = mp.open_checkpoint(tmp_path / "packed/model.meadow.safetensors")
    assert now.config == mp.open_checkpoint(plain).config


def test_profiles_are_the_same(tmp_path: Path) -> None:
    mp.pack(demo.folder(), tmp_path / "packed")
    before = mp.profile(demo.folder(), **SETTINGS)
    now = mp.profile(tmp_path / "packed", **SETTINGS)
    assert now.weights == before.weights
    assert now.model.format == "meadow"


def test_reopened_and_pickled(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain, tmp_path / "packed")
    checkpoint = mp.open_checkpoint(tmp_path / "packed")
    assert checkpoint.reopen is not None
    again = pickle.loads(pickle.dumps(checkpoint.reopen))()
    assert same(again, checkpoint)
    weight = checkpoint.weights[0]
    found = pickle.loads(pickle.dumps(weight))
    assert (found.array() == weight.array()).all()


def test_parts_of_a_fused_tensor_decode_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meadow_py import blobs

    values = np.random.default_rng(0).standard_normal((64, 192)).astype(ml_dtypes.bfloat16)
    save_file({"h.0.attn.c_attn.weight": values}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "n_embd": 64, "n_head": 4}')
    mp.pack(tmp_path, tmp_path.parent / f"{tmp_path.name}-packed")
    decoded, decode = [], blobs.decode
    monkeypatch.setattr(blobs, "decode", lambda *a, **k: decoded.append(1) or decode(*a, **k))
    with mp.open_checkpoint(tmp_path.parent / f"{tmp_path.name}-packed") as checkpoint:
        parts = [weight.array() for weight in checkpoint.weights]
    assert len(parts) == 3
    assert len(decoded) == 1
    assert (
        np.concatenate([part.T for part in parts], 1).view(np.uint16) == values.view(np.uint16)
    ).all()


def test_only_what_is_asked_for_is_decoded(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meadow_py import blobs

    mp.pack(plain, tmp_path / "packed")
    monkeypatch.setattr(blobs, "decode", lambda *_a, **_k: pytest.fail("decoded"))
    with mp.open_checkpoint(tmp_path / "packed") as checkpoint:
        assert checkpoint.architecture.family == "opt"
        assert len(checkpoint.weights) == 6
    mp.inspect(tmp_path / "packed")


def test_arrays_are_read_only_and_outlive_the_checkpoint(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain, tmp_path / "packed")
    with mp.open_checkpoint(tmp_path / "packed") as checkpoint:
        tensor = next(iter(checkpoint.tensors.values()))
        array = tensor.raw()
    assert not array.flags.writeable
    assert array.sum() >= 0


def test_a_packed_file_among_others_is_refused(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain / "model.safetensors", tmp_path / "model.safetensors")
    with pytest.raises(mp.FormatError, match="name the file to open"):
        mp.open_checkpoint(tmp_path)
