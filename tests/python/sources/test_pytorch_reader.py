"""PyTorch files: state dicts of every dtype; pickles that want to run code do not."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError

torch = pytest.importorskip("torch")

DTYPES = {
    "BF16": "bfloat16",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "U8": "uint8",
    "BOOL": "bool",
}


def patterns(dtype: str, count: int = 12) -> Any:
    """A tensor of random bits (NaN payloads included)."""
    kind = getattr(torch, DTYPES[dtype])
    size = count * torch.empty(0, dtype=kind).element_size()
    raw = torch.from_numpy(np.frombuffer(np.random.default_rng(4).bytes(size), np.uint8).copy())
    return (raw & 1).view(kind) if dtype == "BOOL" else raw.view(kind)


def raw_of(tensor: Any) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth"])
def test_every_dtype(suffix: str, zipped: bool, tmp_path: Path) -> None:
    # Torch itself reads no F8 from the format that it wrote before 1.6.
    dtypes = [name for name in DTYPES if zipped or not name.startswith("F8")]
    state = {name: patterns(name).reshape(3, 4) for name in dtypes}
    state |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    state["turned"] = patterns("F32").reshape(3, 4).T
    state["strided"] = patterns("BF16").reshape(3, 4)[:, ::2]
    path = tmp_path / f"x{suffix}"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    checkpoint = open_checkpoint(path)
    assert checkpoint.format == "pytorch"
    assert list(checkpoint.tensors) == list(state)
    for name, tensor in checkpoint.tensors.items():
        assert tensor.shape == tuple(state[name].shape)
        assert tensor.raw().tobytes() == raw_of(state[name]), name
        assert tensor.array().tobytes() == raw_of(state[name]), name
        assert not tensor.array().flags.writeable
        assert tensor.file == str(path)
    assert all(checkpoint.tensors[name].dtype == name for name in dtypes)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "module"])
def test_a_trainers_checkpoint(key: str, tmp_path: Path) -> None:
    torch.save({"epoch": 3, key: {"w": torch.ones(2, 2)}}, tmp_path / "x.pt")
    assert list(open_checkpoint(tmp_path / "x.pt").tensors) == ["w"]


def test_tied_tensors_are_listed_once(tmp_path: Path) -> None:
    embedding = torch.randn(5, 5)
    state = {"embed": embedding, "head": embedding, "turned": embedding.T, "part": embedding[:2]}
    torch.save(state, tmp_path / "x.bin")
    assert list(open_checkpoint(tmp_path / "x.bin").tensors) == ["embed", "turned", "part"]


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], 3, {}, {"w": {"v": "x"}}], ids=repr)
def test_no_tensors(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.bin")
    with pytest.raises(ValueError, match=r"no tensors: expected a state dict"):
        open_checkpoint(tmp_path / "x.bin")


def test_sparse_tensor(tmp_path: Path) -> None:
    torch.save({"s": torch.eye(3).to_sparse()}, tmp_path / "x.bin")
    with pytest.raises(TypeError, match=r"x\.bin: tensor 's' is sparse, torch\.float32"):
        open_checkpoint(tmp_path / "x.bin")


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.proof}",)


@pytest.mark.parametrize("way", ["zip", "legacy", "plain pickle"])
def test_malicious_pickle_does_not_run(way: str, tmp_path: Path) -> None:
    proof, path = tmp_path / "proof", tmp_path / "x.bin"
    state: Mapping[str, Any] = {"w": torch.ones(2, 2), "evil": Payload(proof)}
    if way == "plain pickle":
        path.write_bytes(pickle.dumps({"evil": Payload(proof)}, protocol=2))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=way == "zip")
    with pytest.raises(
        FormatError, match=r"x\.bin: refused.*system.*Nothing of it was run"
    ) as caught:
        open_checkpoint(path)
    assert not proof.exists()
    assert "issue" not in str(caught.value)
    assert caught.value.__suppress_context__
    if way == "plain pickle":  # the payload is real: plain unpickling runs it
        pickle.loads(path.read_bytes())
        assert proof.exists()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_truncated(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    torch.save({"w": torch.randn(40, 40)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    sizes = [*range(0, 300, 7), *range(300, len(whole), 211), len(whole) - 1]
    for size in sizes:
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=r"x\.bin: (truncated|refused|the file is empty)"):
            open_checkpoint(path)


def test_flipped_bits_never_crash(tmp_path: Path) -> None:
    """In a process of its own: a crash would show as a signal."""
    path = tmp_path / "x.bin"
    torch.save({"w": torch.randn(8, 8), "v": torch.ones(3)}, path)
    code = f"""
import random, sys
from pathlib import Path
from meadow_py.dispatch import open_checkpoint
path = Path({str(path)!r})
whole = path.read_bytes()
rng = random.Random(7)
for _ in range(400):
    damaged = bytearray(whole)
    damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    path.write_bytes(damaged)
    try:
        for tensor in open_checkpoint(path).tensors.values():
            assert tensor.array().nbytes == tensor.nbytes
    except (ValueError, TypeError, OSError):
        pass
print("survived")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "survived\n"


def test_compressed_archive(tmp_path: Path) -> None:
    """As zip tools write it: torch would map the compressed bytes as if they were values."""
    state = {
        "w": torch.arange(4096.0),
        "v": torch.from_numpy(np.random.default_rng(9).random(4096)),
    }
    torch.save(state, tmp_path / "plain.bin")
    with (
        zipfile.ZipFile(tmp_path / "plain.bin") as plain,
        zipfile.ZipFile(tmp_path / "x.bin", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    assert open_checkpoint(tmp_path / "x.bin").tensors
    for name, tensor in open_checkpoint(tmp_path / "x.bin").tensors.items():
        assert tensor.raw().tobytes() == raw_of(state[name])


def test_torch_that_is_not_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.ones(2, 2)}, tmp_path / "x.bin")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(ImportError, match=r"torch 2\.5\.1\+cpu .*CVE-2025-32434.*torch>=2\.6"):
        open_checkpoint(tmp_path / "x.bin")


def test_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.ones(2, 2)}, tmp_path / "x.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs torch: pip install torch"):
        open_checkpoint(tmp_path / "x.bin")
