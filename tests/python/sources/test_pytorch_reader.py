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
    with pytest.raises(TypeError, match=r"x\.bin: tensor 's' is sparse: expected a dense tensor"):
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
    assert caught.value.__context__ is None or caught.value.__suppress_context__
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


def test_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a missing torch nor an unsafe one matters, because nothing of it is called."""
    torch.save({"w": torch.ones(2, 2)}, tmp_path / "x.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert open_checkpoint(tmp_path / "x.bin").tensors["w"].array().tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_tensor_alone(zipped: bool, tmp_path: Path) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    torch.save(values, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    (tensor,) = open_checkpoint(tmp_path / "x.pt").tensors.values()
    assert (tensor.name, tensor.shape) == ("tensor", (2, 3))
    assert tensor.raw().tobytes() == raw_of(values)


@pytest.mark.parametrize("name", ["F32", "BF16", "U8", "C64"])
def test_big_endian(name: str, tmp_path: Path) -> None:
    """An archive of a big-endian computer: torch, which swaps bytes too, is the reference."""
    kind = torch.complex64 if name == "C64" else getattr(torch, DTYPES[name])
    values = torch.arange(12).to(kind).reshape(3, 4)
    size = 4 if name == "C64" else values.element_size()
    torch.save({"w": values, "turned": values.T}, tmp_path / "little.bin")
    with (
        zipfile.ZipFile(tmp_path / "little.bin") as little,
        zipfile.ZipFile(tmp_path / "x.bin", "w") as big,
    ):
        for entry in little.infolist():
            data = little.read(entry)
            if "/data/" in entry.filename:
                data = np.frombuffer(data, np.uint8).reshape(-1, size)[:, ::-1].tobytes()
            big.writestr(entry.filename, b"big" if "byteorder" in entry.filename else data)
    expected = torch.load(tmp_path / "x.bin", weights_only=True)
    found = open_checkpoint(tmp_path / "x.bin").tensors
    assert set(found) == {"w", "turned"}
    for key, tensor in found.items():
        assert tensor.raw().tobytes() == raw_of(expected[key])
        assert torch.equal(expected[key], values.T if key == "turned" else values)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_parameters_and_tensors_with_attributes(zipped: bool, tmp_path: Path) -> None:
    """What torch.save writes through other functions than that of plain tensors."""
    marked = torch.nn.Parameter(torch.arange(4.0))
    marked.note = "kept beside the values"  # type: ignore[attr-defined]
    plain = torch.ones(3)
    plain.note = "too"  # type: ignore[attr-defined]
    state = {"marked": marked, "plain": plain, "parameter": torch.nn.Parameter(torch.zeros(2))}
    torch.save(state, tmp_path / "x.bin", _use_new_zipfile_serialization=zipped)
    found = open_checkpoint(tmp_path / "x.bin").tensors
    assert {name: tensor.raw().tobytes() for name, tensor in found.items()} == {
        name: raw_of(tensor.detach()) for name, tensor in state.items()
    }
