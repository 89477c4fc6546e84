"""What others do to a target while the work goes on, and what is refused before it begins."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import meadow_py as mp
from meadow_py.files import disk

Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def before_the_end(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Do something when the last file of the work has got its name."""

    def arrange(action: Callable[[], Any]) -> None:
        write_file = disk.write_file
        rebuilt = disk.NewFile.finish
        done: list[bool] = []

        def once() -> None:
            if not done:
                done.append(True)
                action()

        def last(path: Path, content: bytes) -> None:
            write_file(path, content)
            if path.name == "meadow.json":
                once()

        def finish(self: disk.NewFile) -> None:
            rebuilt(self)
            if self.path.name == "model.safetensors":
                once()

        monkeypatch.setattr(disk, "write_file", last)
        monkeypatch.setattr(disk.NewFile, "finish", finish)

    return arrange


def put(target: Path) -> Callable[[], None]:
    def precious() -> None:
        target.mkdir(exist_ok=True)
        (target / "precious").write_text("x")

    return precious


@pytest.mark.parametrize("empty", [False, True])
def test_files_that_appear_meanwhile_stay(
    empty: bool,
    plain: Path,
    tmp_path: Path,
    tree: Tree,
    before_the_end: Callable[[Callable[[], Any]], None],
) -> None:
    target = tmp_path / "target"
    if empty:
        target.mkdir()
    before_the_end(put(target))
    with pytest.raises(
        FileExistsError, match=r"target: has appeared in the meantime.*result is in"
    ):
        mp.pack(plain, target)
    assert tree(target) == {"precious": b"x"}
    shutil.rmtree(target)
    assert mp.pack(plain, target).kept == ("model.safetensors",)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_files_that_appear_in_what_is_replaced_stay(
    plain: Path,
    sharded: Path,
    tmp_path: Path,
    tree: Tree,
    before_the_end: Callable[[Callable[[], Any]], None],
) -> None:
    target = tmp_path / "target"
    mp.pack(sharded, target)
    before = tree(target)
    before_the_end(put(target))
    with pytest.raises(
        FileExistsError, match=r"holds files that are not part of a packed model \(precious\)"
    ):
        mp.pack(plain, target, overwrite=True)
    assert tree(target) == before | {"precious": b"x"}


def test_a_file_that_appears_is_not_overwritten(
    plain: Path, tmp_path: Path, before_the_end: Callable[[Callable[[], Any]], None]
) -> None:
    target = tmp_path / "target"
    before_the_end(lambda: target.write_text("precious"))
    with pytest.raises(FileExistsError, match="target: is not a packed model"):
        mp.pack(plain, target, overwrite=True)
    assert target.read_text() == "precious"


def test_files_that_appear_while_unpacking_stay(
    plain: Path,
    tmp_path: Path,
    tree: Tree,
    before_the_end: Callable[[Callable[[], Any]], None],
) -> None:
    mp.pack(plain, tmp_path / "packed")
    target = tmp_path / "target"
    before_the_end(put(target))
    with pytest.raises(FileExistsError, match="has appeared in the meantime"):
        mp.unpack(tmp_path / "packed", target)
    assert tree(target) == {"precious": b"x"}


def test_in_the_last_moment(plain: Path, tmp_path: Path, tree: Tree, monkeypatch: Any) -> None:
    target = tmp_path / "target"
    target.mkdir()
    exchange = disk.exchange

    def late(left: Path, right: Path) -> bool:
        if not (target / "precious").exists() and (right / "precious") != left / "precious":
            put(target)()
        return exchange(left, right)

    monkeypatch.setattr(disk, "exchange", late)
    with pytest.raises(FileExistsError, match="has appeared in the meantime"):
        mp.pack(plain, target)
    assert tree(target) == {"precious": b"x"}


def test_the_mode_of_an_empty_folder_stays(plain: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    mp.pack(plain, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o700


def test_a_mount_point(plain: Path) -> None:
    with pytest.raises(ValueError, match="/proc: is a mount point, which nothing can replace"):
        mp.pack(plain, "/proc")


def test_a_write_protected_target(plain: Path, tmp_path: Path, monkeypatch: Any) -> None:
    target = tmp_path / "target"
    mp.pack(plain, target)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != target and access(path, mode))
    with pytest.raises(PermissionError, match="is write-protected"):
        mp.pack(plain, target, codec="fast", overwrite=True)
    assert mp.inspect(target).codec == "auto"


def test_a_missing_shard(sharded: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(sharded, source)
    (source / "model-00003-of-00003.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"the shard model-00003.* is missing"):
        mp.pack(source, tmp_path / "target")
    # An index of other weights, none of which is there, is only carried along.
    shutil.copy(sharded / "model-00003-of-00003.safetensors", source)
    index = source / "pytorch_model.bin.index.json"
    index.write_text('{"weight_map": {"w": "pytorch_model-00001-of-00001.bin"}}')
    mp.pack(source, tmp_path / "target")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1, "a": 2}'])
def test_a_bad_configuration_is_told_first(content: str, plain: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(plain, source)
    (source / "config.json").write_text(content)
    with pytest.raises(mp.FormatError, match=r"config\.json"):
        mp.pack(source, tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_names_of_every_length(plain: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(plain / "model.safetensors", source)
    longest = "n" * 251 + ".txt"
    (source / longest).write_text("x")
    mp.pack(source, tmp_path / "target")
    mp.unpack(tmp_path / "target", tmp_path / "again")
    assert (tmp_path / "again" / longest).read_text() == "x"


@pytest.mark.parametrize("name", ["tokenizer.bin", "optimizer.pt"])
@pytest.mark.parametrize("target", ["target", "target.safetensors"])
def test_a_named_file_is_packed_whatever_its_name(name: str, target: str, tmp_path: Path) -> None:
    content = b"not known to anybody"
    (tmp_path / name).write_bytes(content)
    mp.pack(tmp_path / name, tmp_path / target)
    mp.verify(tmp_path / target)
    mp.unpack(tmp_path / target, tmp_path / "again")
    again = tmp_path / "again"
    assert (again if target.endswith("s") else again / name).read_bytes() == content
