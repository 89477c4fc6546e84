"""What a packed folder looks like, to people and to other programs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from safetensors import safe_open

import meadow_py as mp

Tree = Callable[[Path], dict[str, bytes]]


def test_files_of_a_plain_folder(plain: Path, tmp_path: Path, tree: Tree) -> None:
    mp.pack(plain, tmp_path / "packed")
    packed, source = tree(tmp_path / "packed"), tree(plain)
    assert packed.keys() == {
        *(source.keys() - {"model.safetensors"}),
        "model.meadow.safetensors",
        "meadow-original/config.json",
        "meadow.json",
        "MEADOW.md",
    }
    for name in ("tokenizer.json", "generation_config.json", "README.md", "assets/config.json"):
        assert packed[name] == source[name]
    assert packed["meadow-original/config.json"] == source["config.json"]
    config = json.loads(packed["config.json"])
    ours = config.pop("quantization_config")
    assert config == json.loads(source["config.json"])
    assert (ours["quant_method"], ours["version"]) == ("meadow", 2)
    assert "import meadow_py.torch" in ours["note"]
    assert hashlib.sha256(source["model.safetensors"]).hexdigest() in packed["MEADOW.md"].decode()


def test_index_is_hidden(sharded: Path, tmp_path: Path, tree: Tree) -> None:
    mp.pack(sharded, tmp_path / "packed")
    names = tree(tmp_path / "packed").keys()
    assert "meadow-original/model.safetensors.index.json" in names
    assert "model-00002-of-00003.meadow.safetensors" in names
    assert "model.safetensors.index.json" not in names


def test_no_config_is_invented(shared_data: Path, tmp_path: Path) -> None:
    mp.pack(shared_data / "weights/gpt2-attention", tmp_path / "packed")
    assert not (tmp_path / "packed/config.json").exists()


def test_own_quantisation_config_comes_back(plain: Path, tmp_path: Path, tree: Tree) -> None:
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    config = {"model_type": "opt", "quantization_config": {"quant_method": "fp8"}}
    (source / "config.json").write_text(json.dumps(config))
    mp.pack(source, tmp_path / "packed")
    assert mp.open_checkpoint(tmp_path / "packed").config == config
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert tree(tmp_path / "again") == tree(source)


@pytest.mark.filterwarnings("ignore")
def test_transformers_finds_no_weights(plain: Path, sharded: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    for n, source in enumerate((plain, sharded)):
        mp.pack(source, tmp_path / str(n))
        config = transformers.OPTConfig()
        with pytest.raises(OSError, match="no file named"):
            transformers.OPTForCausalLM.from_pretrained(tmp_path / str(n), config=config)


def test_plain_safetensors_lists_it(plain: Path, tmp_path: Path) -> None:
    mp.pack(plain, tmp_path / "packed")
    path = tmp_path / "packed/model.meadow.safetensors"
    with safe_open(path, "np") as file, safe_open(plain / "model.safetensors", "np") as source:
        names = set(file.keys())
        assert names == {*source.keys(), "__meadow__.rest", "__meadow__.regions"}
        metadata = file.metadata()
        table = json.loads(file.get_tensor("__meadow__.regions").tobytes())
    content = (plain / "model.safetensors").read_bytes()
    assert metadata["source"] == "model.safetensors"
    assert metadata["source_size"] == str(len(content))
    assert metadata["source_sha256"] == hashlib.sha256(content).hexdigest()
    raw = path.read_bytes()
    size = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:size])
    offsets = {e["name"]: header[e["name"]]["data_offsets"] for e in table["regions"]}
    assert all((size + begin) % 64 == 0 for begin, _ in offsets.values())
    for entry in table["regions"]:
        begin, end = offsets[entry["name"]]
        assert 0 <= end - begin - entry["bytes"] < 64
        assert not any(raw[size + begin + entry["bytes"] : size + end])


def test_links_of_the_hubs_cache_are_followed(plain: Path, tmp_path: Path, tree: Tree) -> None:
    blobs = tmp_path / "models--owner--name/blobs"
    snapshot = tmp_path / "models--owner--name/snapshots/0123abcd"
    blobs.mkdir(parents=True)
    for name, content in tree(plain).items():
        blob = blobs / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(os.path.relpath(blob, (snapshot / name).parent))
    mp.pack(snapshot, tmp_path / "packed")
    assert not any(path.is_symlink() for path in (tmp_path / "packed").rglob("*"))
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert tree(tmp_path / "again") == tree(plain)


@pytest.mark.parametrize(
    "name", ["notes.txt", "tokenizer.json", "config.json", "extra.bin", "assets/more.txt"]
)
def test_links_out_of_a_folder_are_refused(name: str, plain: Path, tmp_path: Path) -> None:
    """A stranger's folder must not bring a file of the user's into what the user publishes."""
    (tmp_path / "secret").write_text('{"key": "private"}')
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    (source / name).unlink(missing_ok=True)
    (source / name).symlink_to(tmp_path / "secret")
    with pytest.raises(PermissionError, match=rf"{name}: leads out of the folder, to .*secret"):
        mp.pack(source, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()
    mp.pack(source, tmp_path / "packed", follow_links=True)
    mp.verify(tmp_path / "packed")


def test_a_false_cache_does_not_lead_out(plain: Path, tmp_path: Path) -> None:
    """A layout like that of the cache, whose ``blobs`` or whose blob is a link to elsewhere."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret")
    snapshot = tmp_path / "models--a--b/snapshots/0123"
    shutil.copytree(plain, snapshot)
    blobs = tmp_path / "models--a--b/blobs"
    blobs.symlink_to(tmp_path / "private")
    (snapshot / "notes.txt").symlink_to("../../blobs/key")
    with pytest.raises(PermissionError, match=r"notes\.txt: leads out of the folder"):
        mp.pack(snapshot, tmp_path / "packed")
    blobs.unlink()
    blobs.mkdir()
    (blobs / "key").symlink_to(tmp_path / "private/key")
    with pytest.raises(PermissionError, match=r"notes\.txt: leads out of the folder"):
        mp.pack(snapshot, tmp_path / "packed")


def test_links_within_a_folder_are_followed(plain: Path, tmp_path: Path, tree: Tree) -> None:
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    (source / "twin.txt").symlink_to("README.md")
    (source / "more").symlink_to("assets")
    mp.pack(source, tmp_path / "packed")
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert (tmp_path / "again/twin.txt").read_text() == (plain / "README.md").read_text()
    assert (tmp_path / "again/more/config.json").is_file()


def test_odd_things_in_a_folder(plain: Path, tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    (source / "loop").symlink_to(source)
    with pytest.raises(ValueError, match="a link to a folder that contains it"):
        mp.pack(source, tmp_path / "packed")
    (source / "loop").unlink()
    (source / "gone").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match="dangling link"):
        mp.pack(source, tmp_path / "packed")
    (source / "gone").unlink()
    os.mkfifo(source / "pipe")
    with pytest.raises(ValueError, match="a device, a pipe or a socket"):
        mp.pack(source, tmp_path / "packed")
    (source / "pipe").unlink()
    (source / "a\\b").write_text("")
    with pytest.raises(ValueError, match="rename it"):
        mp.pack(source, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_names_that_meet_once_packed(plain: Path, tmp_path: Path, tree: Tree) -> None:
    source = tmp_path / "model"
    shutil.copytree(plain, source)
    weights = (plain / "model.safetensors").read_bytes()
    (source / "sub/deep").mkdir(parents=True)
    for name in ("a.bin", "a.bin.safetensors", "sub/deep/model.safetensors", "meadow.json"):
        (source / name).write_bytes(weights)
    (source / "MEADOW.md").write_text("mine")
    (source / "meadow-original").mkdir()
    (source / "meadow-original/config.json").write_text("mine too")
    for left_out in (".git", ".cache"):
        (source / left_out).mkdir()
        (source / left_out / "x").write_text("x")
    mp.pack(source, tmp_path / "packed")
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    expected = {name: c for name, c in tree(source).items() if not name.startswith((".git", ".c"))}
    assert tree(tmp_path / "again") == expected


def test_one_file_into_a_folder(plain: Path, tmp_path: Path, tree: Tree) -> None:
    mp.pack(plain / "model.safetensors", tmp_path / "packed")
    assert tree(tmp_path / "packed").keys() == {
        "model.meadow.safetensors",
        "meadow.json",
        "MEADOW.md",
    }
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert tree(tmp_path / "again").keys() == {"model.safetensors"}


@pytest.fixture(scope="module", params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
        return
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        yield processes


def test_same_bytes_however_it_is_made(
    sharded: Path, executor: Executor, tmp_path: Path, tree: Tree
) -> None:
    mp.pack(sharded, tmp_path / "one", threads=1)
    mp.pack(sharded, tmp_path / "two", threads=2)
    mp.pack(sharded, tmp_path / "many", executor=executor, progress=False)
    shutil.copytree(sharded, tmp_path / "elsewhere")
    mp.pack(tmp_path / "elsewhere", tmp_path / "moved")
    made = [tree(tmp_path / name) for name in ("one", "two", "many", "moved")]
    assert made[1:] == made[:1] * 3


def test_errors_come_back_from_an_executor(
    sharded: Path, executor: Executor, tmp_path: Path
) -> None:
    shutil.copytree(sharded, tmp_path / "model")
    file = tmp_path / "model/model-00002-of-00003.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(mp.FormatError, match=r"model-00002-of-00003\.safetensors"):
        mp.pack(tmp_path / "model", tmp_path / "packed", executor=executor)
    assert not (tmp_path / "packed").exists()
    file.write_bytes((sharded / file.name).read_bytes())
    mp.pack(tmp_path / "model", tmp_path / "packed", executor=executor)
    mp.verify(tmp_path / "packed")
