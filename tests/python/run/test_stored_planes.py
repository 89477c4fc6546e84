"""Models in the runtime codec: run from the mapped file, with the bits of the dense model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from running import run
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from small_models import CASES, prompt, save

import meadow_py as mp
from meadow_py import FormatError, blobs, demo
from meadow_py.run.loaded import load_engine


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model, rounded to BF16."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    shutil.copytree(demo.folder(), folder)
    path = folder / "model.safetensors"
    halves = {name: a.astype(ml_dtypes.bfloat16) for name, a in load_file(path).items()}
    save_file(halves, path, metadata={"format": "pt"})
    return folder


def test_a_trained_model_gives_the_same_bits_and_decodes_no_matrix(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mp.pack(trained, tmp_path / "packed", codec="planes")
    stored = {t.name for t in mp.inspect(tmp_path / "packed").tensors if t.codec == "planes"}
    decode, decoded = blobs.decode, []
    monkeypatch.setattr(
        blobs, "decode", lambda blob, **k: decoded.append(blob) or decode(blob, **k)
    )
    loaded = load_engine(tmp_path / "packed")
    forms = [matrix.form for matrix in loaded.matrices.values()]
    assert forms.count("planes") >= len(stored) > 10
    assert all(blobs.info(blob).kind != "planes" for blob in decoded)
    dense = load_engine(trained, form="dense")
    assert {matrix.form for matrix in dense.matrices.values()} == {"BF16"}
    tokens = prompt(320, 60)
    expected = run(dense, tokens)
    assert run(loaded, tokens).tobytes() == expected.tobytes()
    assert (
        run(loaded, tokens, threads=2, dataflow="gemm").tobytes()
        == run(dense, tokens, dataflow="gemm").tobytes()
    )
    copied = load_engine(tmp_path / "packed", mapped=False)
    assert run(copied, tokens).tobytes() == expected.tobytes()
    again = load_engine(tmp_path / "packed", form="dense")
    assert run(again, tokens).tobytes() == expected.tobytes()


@pytest.mark.parametrize("label", ["llama-tied", "gpt2", "gpt-neox", "phi3"])
def test_transposed_and_fused_weights_too(label: str, tmp_path: Path) -> None:
    sizes = {"hidden_size": 96, "intermediate_size": 160, "n_embd": 96}
    case = next(case for case in CASES if case.label == label)
    wider = {key: sizes.get(key, value) for key, value in case.options.items()}
    save(type(case)(case.label, case.stem, wider, case.head), tmp_path / "plain")
    path = tmp_path / "plain/model.safetensors"
    halves = {name: a.astype(ml_dtypes.bfloat16) for name, a in load_file(path).items()}
    save_file(halves, path, metadata={"format": "pt"})
    mp.pack(tmp_path / "plain", tmp_path / "packed", codec="planes")
    assert any(t.codec == "planes" for t in mp.inspect(tmp_path / "packed").tensors)
    tokens = prompt(101)
    packed, dense = load_engine(tmp_path / "packed"), load_engine(tmp_path / "plain", form="dense")
    assert "planes" in {matrix.form for matrix in packed.matrices.values()}
    np.testing.assert_array_equal(
        run(packed, tokens).view(np.uint32), run(dense, tokens).view(np.uint32)
    )


def test_a_copy_of_damaged_planes_is_refused(trained: Path, tmp_path: Path) -> None:
    mp.pack(trained, tmp_path / "packed", codec="planes")
    name = "model.decoder.layers.0.fc1.weight"
    path = tmp_path / "packed/model.meadow.safetensors"
    with safe_open(path, "numpy") as stored:
        blob = stored.get_tensor(name)
    content = path.read_bytes()
    at = content.index(blob.tobytes()) + len(blob) // 2
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(FormatError, match=f"{re.escape(str(path))}: tensor '{name}': planes: "):
        load_engine(tmp_path / "packed", mapped=False)
    with pytest.raises(FormatError, match=re.escape(name)):
        load_engine(tmp_path / "packed", form="dense")
