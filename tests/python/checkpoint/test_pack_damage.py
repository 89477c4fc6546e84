"""Packed files that were cut or changed: every one is refused, by verify, unpack and readers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py.errors import FormatError

Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A source of a few kilobytes, and what it packs to."""
    folder = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(9)
    save_file(
        {
            "a": random.standard_normal((24, 32)).astype(np.float32),
            "b": random.integers(0, 9, 700).astype(np.uint8),
            "tiny": np.arange(3, dtype=np.int64),
        },
        folder / "model.safetensors",
    )
    mp.pack(folder / "model.safetensors", folder / "p.safetensors")
    return folder / "model.safetensors", folder / "p.safetensors"


def refuse(path: Path, content: bytes, goal: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(FormatError, match=path.name):
        mp.verify(path)
    with pytest.raises(FormatError):
        mp.unpack(path, goal)
    assert not goal.exists()


def test_every_prefix(small: tuple[Path, Path], tmp_path: Path) -> None:
    content = small[1].read_bytes()
    path = tmp_path / "cut.safetensors"
    dense = range(600)
    for size in sorted({*dense, *range(600, len(content), 37), len(content) - 1}):
        path.write_bytes(content[:size])
        with pytest.raises(FormatError, match=r"cut\.safetensors"):
            mp.verify(path)
        with pytest.raises(FormatError, match=r"cut\.safetensors"):
            mp.inspect(path)
        with pytest.raises(FormatError):
            mp.open_checkpoint(path)
    refuse(path, content[:-1], tmp_path / "out")
    refuse(path, content + b"\0", tmp_path / "out")


def test_every_byte_changed(small: tuple[Path, Path], tmp_path: Path) -> None:
    """Header, blobs, padding, rest and table: no byte of a packed file is unused."""
    content = bytearray(small[1].read_bytes())
    path = tmp_path / "changed.safetensors"
    start = 8 + int.from_bytes(content[:8], "little")
    blob = range(start + 300, start + 2700)  # of its middle a sample
    assert content
    for at in (n for n in range(len(content)) if n not in blob or n % 13 == 0):
        content[at] ^= 1 << at % 8
        path.write_bytes(content)
        with pytest.raises(FormatError):
            mp.verify(path)
        content[at] ^= 1 << at % 8
    path.write_bytes(content)
    mp.verify(path)


def test_messages_name_the_tensor(small: tuple[Path, Path], tmp_path: Path) -> None:
    content = bytearray(small[1].read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start + 1500] ^= 255
    path = tmp_path / "changed.safetensors"
    refuse(path, bytes(content), tmp_path / "out")
    with pytest.raises(FormatError, match=r"changed\.safetensors: tensor 'a'"):
        mp.verify(path)
    with (
        mp.open_checkpoint(path) as checkpoint,
        pytest.raises(FormatError, match=r"changed\.safetensors: tensor 'a'"),
    ):
        checkpoint.tensors["a"].raw()
    with mp.open_checkpoint(path) as checkpoint:
        assert checkpoint.tensors["b"].raw().size == 700


@pytest.fixture
def folder(sharded: Path, tmp_path: Path) -> Path:
    mp.pack(sharded, tmp_path / "packed")
    return tmp_path / "packed"


def refuse_folder(folder: Path, match: str) -> None:
    for ask in (mp.verify, mp.inspect, mp.open_checkpoint):
        with pytest.raises(FormatError, match=match):
            ask(folder)
    with pytest.raises(FormatError, match=match):
        mp.unpack(folder, folder.parent / "out")
    assert not (folder.parent / "out").exists()


def test_missing_shard(folder: Path) -> None:
    (folder / "model-00002-of-00003.meadow.safetensors").unlink()
    refuse_folder(folder, r"model-00002-of-00003\.meadow\.safetensors: missing, but meadow.json")


def test_missing_manifest(folder: Path) -> None:
    (folder / "meadow.json").unlink()
    refuse_folder(folder, "incomplete: meadow.json is missing")


def test_missing_file_that_was_carried(folder: Path) -> None:
    (folder / "meadow-original/config.json").unlink()
    refuse_folder(folder, r"meadow-original/config\.json: missing")


def test_cut_shard(folder: Path) -> None:
    file = folder / "model-00001-of-00003.meadow.safetensors"
    file.write_bytes(file.read_bytes()[:-64])
    refuse_folder(
        folder, r"model-00001-of-00003\.meadow\.safetensors: expected \d+ B as meadow.json says"
    )


def test_shards_that_changed_places(folder: Path) -> None:
    one, two = (folder / f"model-0000{n}-of-00003.meadow.safetensors" for n in (1, 2))
    size = max(one.stat().st_size, two.stat().st_size)
    shutil.move(one, folder / "x")
    shutil.move(two, one)
    shutil.move(folder / "x", two)
    if one.stat().st_size == size == two.stat().st_size:
        refuse_folder(folder, "not the file of this folder")
    else:
        refuse_folder(folder, r"as meadow.json says")


def test_every_byte_of_the_manifest(folder: Path) -> None:
    path = folder / "meadow.json"
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 5):
        content[at] ^= 1 << at % 7
        path.write_bytes(content)
        with pytest.raises(FormatError):
            mp.inspect(folder)
        content[at] ^= 1 << at % 7
    for size in range(0, len(content), 41):
        path.write_bytes(content[:size])
        with pytest.raises(FormatError):
            mp.inspect(folder)
    path.write_bytes(content)
    mp.verify(folder)


def test_edited_files(folder: Path) -> None:
    (folder / "config.json").write_bytes((folder / "config.json").read_bytes()[::-1])
    with pytest.raises(FormatError, match=r"config\.json: corrupt or edited"):
        mp.verify(folder)


def test_edited_original(folder: Path) -> None:
    path = folder / "meadow-original/config.json"
    path.write_bytes(path.read_bytes().replace(b"opt", b"OPT"))
    with pytest.raises(FormatError, match=r"config\.json: corrupt or edited"):
        mp.unpack(folder, folder.parent / "out")
    assert not (folder.parent / "out").exists()


def test_damage_in_one_shard_leaves_no_target(folder: Path, sharded: Path, tree: Tree) -> None:
    file = folder / "model-00002-of-00003.meadow.safetensors"
    content = bytearray(file.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start + 2000] ^= 1
    file.write_bytes(content)
    with pytest.raises(FormatError, match="model-00002-of-00003"):
        mp.unpack(folder, folder.parent / "out")
    assert not (folder.parent / "out").exists()
    content[start + 2000] ^= 1
    file.write_bytes(content)
    assert mp.unpack(folder, folder.parent / "out").kept == ("model-00001-of-00003.safetensors",)
    assert tree(folder.parent / "out") == tree(sharded)
