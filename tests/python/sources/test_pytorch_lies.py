"""PyTorch files that are damaged, hostile, or change: what is said, and that nothing vanishes."""

from __future__ import annotations

import io
import os
import pickle
import random
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("key", [3, ("a", 1), None], ids=repr)
def test_names_are_strings(key: Any, nested: bool, tmp_path: Path) -> None:
    state = {"w": torch.ones(2, 2), key: torch.ones(2, 2)}
    torch.save({"model": state} if nested else state, tmp_path / "x.bin")
    kind = type(key).__name__
    with pytest.raises(FormatError, match=rf"x\.bin: names of tensors are strings, not {kind}: "):
        open_checkpoint(tmp_path / "x.bin")


def test_numbers_of_a_trainer_may_have_any_key(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2, 2), 3: "three"}, tmp_path / "x.bin")
    assert list(open_checkpoint(tmp_path / "x.bin").tensors) == ["w"]


def test_names_can_be_printed(tmp_path: Path) -> None:
    torch.save({"a\ud800b": torch.ones(2, 2)}, tmp_path / "x.bin")
    with pytest.raises(FormatError, match=r"the name 'a\\ud800b' holds a lone surrogate"):
        open_checkpoint(tmp_path / "x.bin")


def test_file_that_shrinks_while_open(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    torch.save({"w": torch.ones(9000)}, path)
    tensor = open_checkpoint(path).tensors["w"]
    os.truncate(path, 100)
    for read in (tensor.raw, tensor.array, tensor.dequantized):
        with pytest.raises(
            FormatError, match=r"x\.bin: changed while it was being read.*100 B now"
        ):
            read()


@pytest.mark.parametrize("replaced", [True, False])
def test_file_that_is_replaced_or_removed_stays_readable(replaced: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    torch.save({"w": torch.ones(9000)}, path)
    tensor = open_checkpoint(path).tensors["w"]
    if replaced:
        (tmp_path / "new").write_bytes(b"new")
        (tmp_path / "new").replace(path)
    else:
        path.unlink()
    assert (tensor.array() == 1).all()


class Payload:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


NO_STATE_DICT = {
    "text": b"hello world, this is no checkpoint",
    "page": b"<!DOCTYPE html><html></html>",
    "zeros": bytes(100),
    **{f"attack in protocol {p}": pickle.dumps({"e": Payload()}, protocol=p) for p in range(6)},
    **{f"pickle of protocol {p}": pickle.dumps({"e": 1}, protocol=p) for p in range(6)},
}


def refusal(path: Path) -> str:
    """The message, which is our own, and no warning of torch's beside it."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        with pytest.raises(FormatError) as caught:
            open_checkpoint(path)
    assert not [w for w in warned if w.category is UserWarning]
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert not any(word in told for word in ("issue", "weights_only", "Unpickler", "Re-running"))
    return told


@pytest.mark.parametrize("kind", NO_STATE_DICT)
def test_what_is_no_state_dict(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(NO_STATE_DICT[kind])
    told = refusal(tmp_path / "x.bin")
    assert "refused: it holds code or objects that are not tensors" in told
    assert "was not loaded" in told
    assert "truncated" not in told


@pytest.mark.parametrize("protocol", [2, 4])
def test_attack_in_an_archive(protocol: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.bin", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"e": Payload()}, protocol=protocol))
        archive.writestr("x/version", "3\n")
    told = refusal(tmp_path / "x.bin")
    assert "holds code or objects that are not tensors" in told
    assert "truncated" not in told


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.7, 0.99])
def test_truncated(part: float, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    torch.save({"w": torch.randn(40, 40)}, path, _use_new_zipfile_serialization=zipped)
    os.truncate(path, int(path.stat().st_size * part))
    assert refusal(path).endswith("x.bin: truncated or corrupt; download it again")


def damaged(archive: bytes, generator: random.Random) -> bytes:
    """The archive with some bytes of its pickle changed, often into other opcodes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as whole, zipfile.ZipFile(made, "w") as target:
        for entry in whole.infolist():
            data = bytearray(whole.read(entry))
            for _ in range(generator.randrange(1, 4) if entry.filename.endswith(".pkl") else 0):
                data[generator.randrange(len(data))] = generator.choice(
                    b"(){}].NRbdusatqhKMJXcQ012"
                )
            target.writestr(entry.filename, bytes(data))
    return made.getvalue()


def test_damaged_pickles_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    """Or refused: never other values, and no tensor left out."""
    values = torch.randn(6, 6)
    state = {"w": values, "turned": values.t(), "p": torch.nn.Parameter(torch.ones(3)), "n": 3}
    stream = io.BytesIO()
    torch.save(state, stream)
    generator, read = random.Random(5), 0
    for _ in range(1500):
        (tmp_path / "x.bin").write_bytes(damaged(stream.getvalue(), generator))
        try:
            found = open_checkpoint(tmp_path / "x.bin").tensors
            expected = torch.load(tmp_path / "x.bin", weights_only=True)
        except Exception:  # noqa: BLE001 - torch raises a dozen kinds
            continue
        read += 1
        tensors = {k: v.detach() for k, v in expected.items() if isinstance(v, torch.Tensor)}
        assert set(found) == set(tensors)
        for name, tensor in tensors.items():
            assert found[name].shape == tuple(tensor.shape)
            assert found[name].raw().tobytes() == tensor.contiguous().numpy().tobytes()
    assert read > 30
