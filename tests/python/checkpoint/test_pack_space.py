"""Free space and bombs: what cannot fit, or unpacks to far more than it is, is refused first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py.errors import FormatError
from meadow_py.files import disk

Tree = Callable[[Path], dict[str, bytes]]


def test_a_small_file_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    zeros = np.zeros((1 << 14, (1 << 15) + 1), np.float16)  # more than 1 GiB
    save_file({"w": zeros}, tmp_path / "zeros.safetensors")
    made = mp.pack(tmp_path / "zeros.safetensors", tmp_path / "p.safetensors")
    size = made.inspection.bytes_original
    (tmp_path / "zeros.safetensors").unlink()
    with pytest.raises(FormatError, match=rf"unpack to {size} B, .*max_bytes={size} \(--max-bytes"):
        mp.unpack(tmp_path / "p.safetensors", tmp_path / "again")
    assert {path.name for path in tmp_path.iterdir()} == {"p.safetensors"}
    mp.unpack(tmp_path / "p.safetensors", tmp_path / "again", max_bytes=size)
    assert (tmp_path / "again").stat().st_size == size
    (tmp_path / "again").unlink()


def test_a_limit_of_the_users(plain: Path, tmp_path: Path, tree: Tree) -> None:
    mp.pack(plain, tmp_path / "packed")
    size = sum(len(content) for content in tree(plain).values())
    with pytest.raises(FormatError, match=f"more than the limit of {size - 1} B"):
        mp.unpack(tmp_path / "packed", tmp_path / "again", max_bytes=size - 1)
    mp.unpack(tmp_path / "packed", tmp_path / "again", max_bytes=size)


def test_unpack_looks_at_the_free_space_first(
    plain: Path, tmp_path: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    mp.pack(plain, tmp_path / "packed")
    size = sum(len(content) for content in tree(plain).values())
    monkeypatch.setattr(disk, "free_space", lambda _: size - 1)
    with pytest.raises(OSError, match=rf"needs {size} B, and {size - 1} B are free there.*again"):
        mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert {path.name for path in tmp_path.iterdir()} == {"packed"}
    monkeypatch.setattr(disk, "free_space", lambda _: size)
    mp.unpack(tmp_path / "packed", tmp_path / "again")


def test_pack_looks_at_the_free_space_first(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(disk, "free_space", lambda _: 10)
    with pytest.raises(OSError, match=r"needs \d+ B, and 10 B are free there"):
        mp.pack(plain, tmp_path / "packed")
    assert not any(tmp_path.iterdir())
    weights = (plain / "model.safetensors").stat().st_size
    monkeypatch.setattr(disk, "free_space", lambda _: weights)
    with caplog.at_level(logging.WARNING):
        mp.pack(plain, tmp_path / "packed")
    assert "space may run out before all are packed" in caplog.text
