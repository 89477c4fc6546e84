"""Folders and files on disk: which files are chosen, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from meadow_py import sources
from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError

WAYS = ["safetensors", "safetensors-sharded", "bin", "bin-sharded"]


@pytest.mark.parametrize("way", WAYS)
def test_folders(way: str, opt: Any, opt_folders: dict[str, Path]) -> None:
    checkpoint = open_checkpoint(opt_folders[way])
    state = opt.state_dict()
    assert set(checkpoint.tensors) == set(state) - {"lm_head.weight"}
    for name, tensor in checkpoint.tensors.items():
        assert tensor.raw().tobytes() == state[name].numpy().tobytes(), name
    assert checkpoint.config is not None
    assert checkpoint.config["model_type"] == "opt"
    roles = {weight.role for weight in checkpoint.weights}
    assert {"attention.q", "attention.o", "mlp.up", "mlp.down", "embedding"} <= roles


@pytest.mark.parametrize("name", ["safetensors/model.safetensors", "bin/pytorch_model.bin"])
def test_one_file_with_the_config_beside_it(name: str, opt_folders: dict[str, Path]) -> None:
    folder, file = name.split("/")
    checkpoint = open_checkpoint(str(opt_folders[folder] / file))
    assert len(checkpoint.tensors) == 36
    assert checkpoint.architecture.family == "opt"
    assert checkpoint.source.endswith(file)


def some(folder: Path, file: str, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    save_file({name: np.full((2, 2), i, np.float32) for i, name in enumerate(names)}, folder / file)
    return folder


def write_index(folder: Path, weight_map: Any) -> None:
    text = json.dumps({"metadata": {}, "weight_map": weight_map})
    (folder / "model.safetensors.index.json").write_text(text)


def test_several_files_without_an_index(tmp_path: Path) -> None:
    some(tmp_path, "b.safetensors", "x", "y")
    some(tmp_path, "a.safetensors", "z")
    assert list(open_checkpoint(tmp_path).tensors) == ["z", "x", "y"]
    some(tmp_path, "c.safetensors", "y")
    with pytest.raises(FormatError, match=r"'y' is in .*b\.safetensors and in .*c\.safetensors"):
        open_checkpoint(tmp_path)


def test_the_name_that_transformers_uses_comes_first(tmp_path: Path) -> None:
    some(tmp_path, "adapter.safetensors", "lora")
    some(tmp_path, "model.safetensors", "w")
    assert list(open_checkpoint(tmp_path).tensors) == ["w"]
    some(tmp_path, "part.safetensors", "v")
    write_index(tmp_path, {"v": "part.safetensors"})
    assert list(open_checkpoint(tmp_path).tensors) == ["v"]


def test_files_of_trainers_are_no_weights(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.ones(2, 2)}, tmp_path / "weights.bin")
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (tmp_path / name).write_bytes(b"no weights")
    assert list(open_checkpoint(tmp_path).tensors) == ["w"]


def test_missing_shard(opt_folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(opt_folders["safetensors-sharded"], tmp_path, dirs_exist_ok=True)
    shard = max(tmp_path.glob("*.safetensors"))
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=f"shard {shard.name} is missing.*tensors"):
        open_checkpoint(tmp_path)


def test_shard_lacks_a_tensor(tmp_path: Path) -> None:
    some(tmp_path, "a.safetensors", "x")
    write_index(tmp_path, {"x": "a.safetensors", "y": "a.safetensors"})
    with pytest.raises(FormatError, match=r"says that a\.safetensors holds tensor 'y'"):
        open_checkpoint(tmp_path)


def test_index_decides_between_shards_and_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    some(tmp_path, "a.safetensors", "x", "y", "extra")
    some(tmp_path, "b.safetensors", "other", "y")
    write_index(tmp_path, {"x": "a.safetensors", "y": "b.safetensors"})
    tensors = open_checkpoint(tmp_path).tensors
    assert set(tensors) == {"x", "y", "extra", "other"}
    assert tensors["y"].file == str(tmp_path / "b.safetensors")


@pytest.mark.parametrize(
    "shard",
    [
        "../x.safetensors",
        "a/../../x.safetensors",
        "/etc/x.safetensors",
        "..\\x.safetensors",
        "C:x.safetensors",
        "x\0.safetensors",
        "",
        ".",
        7,
        None,
        ["x.safetensors"],
    ],
    ids=repr,
)
def test_shard_names_that_leave_the_folder(shard: Any, tmp_path: Path) -> None:
    some(tmp_path, "x.safetensors", "w")  # what "../x.safetensors" would find
    folder = some(tmp_path / "model", "x.safetensors", "w")
    write_index(folder, {"w": shard})
    with pytest.raises(FormatError, match=r"'w': expected the name of a file within the folder"):
        open_checkpoint(folder)


def test_shard_in_a_subfolder(tmp_path: Path) -> None:
    some(tmp_path / "parts", "x.safetensors", "w")
    write_index(tmp_path, {"w": "parts/x.safetensors"})
    assert list(open_checkpoint(tmp_path).tensors) == ["w"]


def test_shard_of_another_format(tmp_path: Path) -> None:
    write_index(tmp_path, {"w": "x.bin"})
    with pytest.raises(FormatError, match=r"expected safetensors files .*found 'x\.bin'"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', "\xff"]
)
def test_damaged_index(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text, encoding="latin-1")
    with pytest.raises(FormatError, match=r"index\.json"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', "3"])
def test_damaged_config(text: str, tmp_path: Path) -> None:
    some(tmp_path, "model.safetensors", "w")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FormatError, match=r"config\.json"):
        open_checkpoint(tmp_path)


def test_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no weights: looked for .*found no files"):
        open_checkpoint(tmp_path)
    for name in ("config.json", "README.md", "tokenizer.bin"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"found README\.md, config\.json, tokenizer\.bin"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "model", ["./nothing", "a/b/c", "model.safetensors", "~/none", "/x", "a--b", "x y"]
)
def test_neither_a_path_nor_a_hub_id(model: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"neither a folder nor a file \(looked in .*hub id"
    ):
        open_checkpoint(model)


def test_path_objects_are_never_hub_ids(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither a folder nor a file"):
        open_checkpoint(Path("facebook"))
    with pytest.raises(ValueError, match="the name of the model is empty"):
        open_checkpoint("")


@pytest.mark.parametrize("name", ["model.h5", "model", "model.onnx", "config.json"])
def test_unknown_kind_of_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"data")
    with pytest.raises(ValueError, match=r"not a known weight file: expected one of \.safetensors"):
        open_checkpoint(tmp_path / name)


def test_profiling_safetensors_imports_no_torch(opt_folders: dict[str, Path]) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['gguf'] = None\n"
        "import meadow_py\n"
        f"checkpoint = meadow_py.open_checkpoint({str(opt_folders['safetensors'])!r})\n"
        "print(sum(weight.array().size for weight in checkpoint.weights))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 2 * (4 * 32 * 32 + 2 * 32 * 64) + 96 * 32 + 42 * 32


def test_the_former_place_of_open_checkpoint_warns() -> None:
    with pytest.warns(DeprecationWarning, match="use meadow_py.open_checkpoint"):
        former = sources.open_checkpoint
    assert former is open_checkpoint


def test_spellings_of_a_shard_are_one_shard(tmp_path: Path) -> None:
    some(tmp_path, "a.safetensors", "x", "y", "z")
    write_index(
        tmp_path, {"x": "a.safetensors", "y": "./a.safetensors", "z": ".//././a.safetensors"}
    )
    assert set(open_checkpoint(tmp_path).tensors) == {"x", "y", "z"}


@pytest.mark.parametrize("way", ["link", "hard link", "folder"])
def test_a_shard_of_two_names_is_read_once_or_not_at_all(way: str, tmp_path: Path) -> None:
    some(tmp_path, "a.safetensors", "x", "y")
    second = "b.safetensors" if way != "folder" else "here/a.safetensors"
    if way == "folder":
        (tmp_path / "here").symlink_to(".")
    elif way == "link":
        (tmp_path / second).symlink_to("a.safetensors")
    else:
        os.link(tmp_path / "a.safetensors", tmp_path / second)
    write_index(tmp_path, {"x": "a.safetensors", "y": second})
    with pytest.raises(FormatError, match=rf"'a\.safetensors' and '{second}' are the same file"):
        open_checkpoint(tmp_path)


def test_an_index_is_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each shard: the work would grow with their product."""
    from meadow_py.sources import model_files

    walked = []
    items = model_files.WeightMap.items
    monkeypatch.setattr(
        model_files.WeightMap, "items", lambda self: walked.append(1) or items(self)
    )
    for n in range(30):
        some(tmp_path, f"{n}.safetensors", f"w{n}")
    write_index(tmp_path, {f"w{n}": f"{n}.safetensors" for n in range(30)})
    assert len(open_checkpoint(tmp_path).tensors) == 30
    assert len(walked) == 1


def test_messages_about_long_names_stay_short(tmp_path: Path) -> None:
    some(tmp_path, "a.safetensors", "x")
    for shard in ("b" * 2_000_000, "c" * 2_000_000 + ".safetensors", "../" + "d" * 2_000_000):
        write_index(tmp_path, {"n" * 1_000_000: shard})
        with pytest.raises(FormatError) as caught:
            open_checkpoint(tmp_path)
        assert len(str(caught.value)) < 1000
