"""Views of few bytes that claim terabytes are refused before anybody copies them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError

SIDE = 2**20
CLAIMED = 4 * SIDE * SIDE


def test_expanded_tensor_in_a_file(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = {"fine": torch.ones(2, 2), "w": torch.zeros(1).expand(SIDE, SIDE)}
    torch.save(state, tmp_path / "bomb.bin")
    told = rf"bomb\.bin: tensor 'w' claims {CLAIMED} B, its storage holds 4 B"
    with pytest.raises(FormatError, match=told):
        open_checkpoint(tmp_path / "bomb.bin")


def test_overlapping_strides_in_a_file(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.arange(8.0).unfold(0, 4, 1)}, tmp_path / "x.bin")
    with pytest.raises(FormatError, match=r"'w' claims 80 B, its storage holds 32 B"):
        open_checkpoint(tmp_path / "x.bin")


def test_view_that_fits_its_storage_in_a_file(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"ids": torch.arange(8).expand(1, -1)}, tmp_path / "x.bin")
    assert open_checkpoint(tmp_path / "x.bin").tensors["ids"].array().tolist() == [list(range(8))]


@pytest.mark.parametrize(
    "shape", [(SIDE, SIDE), (1, SIDE, 1, SIDE), (2**60,)], ids=["2-d", "4-d", "1-d"]
)
def test_giants_in_memory(shape: tuple[int, ...]) -> None:
    told = r"tensor 'w' is a view of 4 B that repeats them to \d{13,} B"
    with pytest.raises(ValueError, match=told):
        open_checkpoint({"w": np.broadcast_to(np.float32(1), shape)})


def test_giants_of_torch() -> None:
    torch = pytest.importorskip("torch")
    giant = torch.zeros(1).expand(SIDE, SIDE)
    told = rf"tensor 'w' is a view of 4 B that repeats them to {CLAIMED} B"
    with pytest.raises(ValueError, match=told):
        open_checkpoint({"w": giant})
    module = torch.nn.Module()
    module.register_buffer("w", giant)
    with pytest.raises(ValueError, match=told):
        open_checkpoint(module)


def test_ordinary_broadcasts_are_read() -> None:
    torch = pytest.importorskip("torch")
    arrays = {
        "numpy": np.broadcast_to(np.float32(3), (300, 500)),
        "torch": torch.full((1,), 3.0).expand(300, 500),
        "one row": np.broadcast_to(np.full(2**20, 3, np.float32), (20, 2**20)),
        "reversed": np.full(2**20, 3, np.float32)[::-1],
    }
    assert open_checkpoint(arrays).tensors
    for name, tensor in open_checkpoint(arrays).tensors.items():
        assert tensor.array().shape == tuple(arrays[name].shape)
        assert (tensor.array() == 3).all(), name


def test_large_plain_tensors_are_no_giants() -> None:
    large = np.empty(2**25, np.float32)  # 128 MiB, of which no page is touched
    assert open_checkpoint({"w": large[::-1]}).tensors["w"].nbytes == 2**27
