"""Models packed from a hub id: the weights once, and everything that belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import meadow_py as mp

if TYPE_CHECKING:
    from hub_server import HubServer

pytestmark = pytest.mark.filterwarnings("ignore")
ID = "facebook/opt-tiny"


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("way", ["safetensors", "safetensors-sharded", "bin", "bin-sharded"])
def test_every_way_a_model_is_shipped(
    way: str, hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders[way])
    hub.models[ID] |= {"tokenizer.json": b"{}", "README.md": b"# It"}
    expected = dict(hub.models[ID])
    hub.models[ID] |= {"tf_model.h5": b"x", "flax_model.msgpack": b"x", "rust_model.ot": b"x"}
    cache = tmp_path / "cache"
    mp.pack(ID, tmp_path / "packed", cache_dir=cache)
    assert not {"tf_model.h5", "flax_model.msgpack", "rust_model.ot"} & set(hub.fetched())
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert files(tmp_path / "again") == expected
    hub.stop()
    offline = {"cache_dir": cache, "local_files_only": True}
    assert mp.pack(ID, tmp_path / "packed", **offline).kept
    mp.pack(ID, tmp_path / "offline", **offline)
    assert files(tmp_path / "offline") == files(tmp_path / "packed")


def test_the_better_form_is_taken(
    hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders["safetensors"])
    hub.models[ID] |= {"pytorch_model.bin": b"x", "pytorch_model.bin.index.json": b"{}"}
    mp.pack(ID, tmp_path / "packed", cache_dir=tmp_path / "cache")
    assert [file.source for file in mp.inspect(tmp_path / "packed").files] == ["model.safetensors"]


def test_a_missing_model(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mp.pack("facebook/nothing", tmp_path / "packed", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "packed").exists()
