"""Hub ids, against a server on the loopback interface that speaks the hub's protocol."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from meadow_py.dispatch import open_checkpoint
from meadow_py.errors import FormatError
from meadow_py.sources import Checkpoint

if TYPE_CHECKING:
    from hub_server import HubServer

pytestmark = pytest.mark.filterwarnings("ignore")
ID = "facebook/opt-tiny"
WAYS = ["safetensors", "safetensors-sharded", "bin", "bin-sharded"]


def assert_holds(checkpoint: Checkpoint, opt: Any) -> None:
    """Every tensor of the model is there, bit for bit, and nothing else."""
    state = opt.state_dict()
    del state["lm_head.weight"]
    assert set(checkpoint.tensors) == set(state)
    for name, tensor in checkpoint.tensors.items():
        assert tensor.raw().tobytes() == state[name].numpy().tobytes(), name


@pytest.mark.parametrize("way", WAYS)
def test_every_way_a_model_is_shipped(
    way: str, hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders[way])
    checkpoint = open_checkpoint(ID, cache_dir=tmp_path)
    assert_holds(checkpoint, opt)
    assert checkpoint.source == ID
    assert checkpoint.format == ("safetensors" if "safe" in way else "pytorch")
    assert checkpoint.config is not None
    assert checkpoint.config["hidden_size"] == 32
    assert checkpoint.architecture.family == "opt"
    assert len(checkpoint.weights) == 14  # 2 layers x (q k v o up down), tokens, positions


def test_only_needed_files_travel_once(
    hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders["safetensors"])
    hub.models[ID] |= {"pytorch_model.bin": b"x", "tf_model.h5": b"x", "README.md": b"x"}
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)
    assert set(hub.fetched()) == {"config.json", "model.safetensors"}
    hub.requests.clear()
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)
    assert hub.fetched() == []


def test_one_gguf(hub: HubServer, tmp_path: Path, tiny_gguf: Path) -> None:
    hub.add(ID, tiny_gguf.parent, tiny_gguf.name)
    checkpoint = open_checkpoint(ID, cache_dir=tmp_path)
    assert checkpoint.format == "gguf"
    hub.models[ID]["second.gguf"] = b"x"
    with pytest.raises(ValueError, match=r"2 GGUF files.*second\.gguf"):
        open_checkpoint(ID, cache_dir=tmp_path)


def test_unknown_id(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"'nobody/nothing'.*127\.0\.0\.1.*private.*HF_TOKEN"
    ):
        open_checkpoint("nobody/nothing", cache_dir=tmp_path)


def test_unknown_revision(hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path) -> None:
    hub.add(ID, opt_folders["safetensors"])
    with pytest.raises(FileNotFoundError, match="no revision 'v9'"):
        open_checkpoint(ID, revision="v9", cache_dir=tmp_path)


def test_known_revision(
    hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders["safetensors"])
    commit = hub.commit(ID)
    assert_holds(open_checkpoint(ID, revision=commit, cache_dir=tmp_path), opt)
    assert_holds(open_checkpoint(ID, revision="main", cache_dir=tmp_path), opt)


def test_gated(hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path) -> None:
    hub.add(ID, opt_folders["safetensors"])
    hub.gated.add(ID)
    for token in (False, "wrong"):
        with pytest.raises(PermissionError, match=r"gated: accept its licence at http.*HF_TOKEN"):
            open_checkpoint(ID, token=token, cache_dir=tmp_path)
    assert_holds(open_checkpoint(ID, token="good", cache_dir=tmp_path), opt)


@pytest.mark.parametrize("status", [401, 403])
def test_refused(status: int, hub: HubServer, tmp_path: Path) -> None:
    hub.status = status
    with pytest.raises((PermissionError, FileNotFoundError), match=r"token"):
        open_checkpoint(ID, cache_dir=tmp_path)


@pytest.mark.parametrize("status", [500, 503])
def test_broken_hub(status: int, hub: HubServer, tmp_path: Path) -> None:
    hub.status = status
    with pytest.raises(ConnectionError, match=str(status)):
        open_checkpoint(ID, cache_dir=tmp_path)


@pytest.mark.parametrize("way", ["safetensors", "bin"])
def test_cut_connection_then_a_good_retry(
    way: str, hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders[way])
    file = "model.safetensors" if way == "safetensors" else "pytorch_model.bin"
    hub.cut[file] = len(hub.models[ID][file]) // 2
    with pytest.raises(OSError, match=r"no folder or file 'facebook/opt-tiny' here.*Try again"):
        open_checkpoint(ID, cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match="incomplete"):
        open_checkpoint(ID, cache_dir=tmp_path, local_files_only=True)
    hub.cut.clear()
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)


def test_cut_between_shards_leaves_no_smaller_model(
    hub: HubServer, opt: Any, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders["safetensors-sharded"])
    last = max(name for name in hub.models[ID] if name.endswith(".safetensors"))
    hub.cut[last] = 0
    with pytest.raises(ConnectionError):
        open_checkpoint(ID, cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match=f"incomplete.*{last}"):
        open_checkpoint(ID, cache_dir=tmp_path, local_files_only=True)
    hub.cut.clear()
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)


@pytest.mark.parametrize("way", WAYS)
def test_offline(
    way: str,
    hub: HubServer,
    opt: Any,
    opt_folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(ID, opt_folders[way])
    with pytest.raises(ConnectionError, match="the cache holds no model of this hub id"):
        open_checkpoint(ID, cache_dir=tmp_path, local_files_only=True)
    open_checkpoint(ID, cache_dir=tmp_path)
    hub.requests.clear()
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path, local_files_only=True), opt)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)
    with pytest.raises(ConnectionError, match="holds no model of this hub id at revision 'v9'"):
        open_checkpoint(ID, cache_dir=tmp_path, revision="v9")
    assert hub.requests == []


def test_offline_from_the_environment_of_a_fresh_process(
    hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    hub.add(ID, opt_folders["safetensors"])
    open_checkpoint(ID, cache_dir=tmp_path)
    hub.requests.clear()
    code = f"import meadow_py; print(len(meadow_py.open_checkpoint({ID!r}).tensors))"
    variables = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path)}
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 36
    assert hub.requests == []


def test_offline_does_not_guess_what_is_missing(
    hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path
) -> None:
    data = (opt_folders["safetensors"] / "model.safetensors").read_bytes()
    hub.models[ID] = {"weights-a.safetensors": data}
    assert len(open_checkpoint(ID, cache_dir=tmp_path).tensors) == 36
    with pytest.raises(ConnectionError, match=r"cannot tell whether weights-a\.safetensors is all"):
        open_checkpoint(ID, cache_dir=tmp_path, local_files_only=True)


def test_no_network(
    opt: Any,
    opt_folders: dict[str, Path],
    hub: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(ID, opt_folders["safetensors"])
    open_checkpoint(ID, cache_dir=tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(
        ConnectionError, match=r"no folder or file 'other/model' here.*local_files_only=True"
    ):
        open_checkpoint("other/model", cache_dir=tmp_path)
    assert_holds(open_checkpoint(ID, cache_dir=tmp_path), opt)  # from the cache


def test_no_weights(hub: HubServer, tmp_path: Path) -> None:
    hub.models[ID] = {"config.json": b"{}", "README.md": b"x"}
    with pytest.raises(
        FileNotFoundError, match=r"no weights: looked for .*found README\.md, config"
    ):
        open_checkpoint(ID, cache_dir=tmp_path)


def test_file_that_is_listed_but_not_there(hub: HubServer, tmp_path: Path) -> None:
    hub.models[ID] = {"config.json": b"{}"}
    hub.missing.add("model.safetensors")
    with pytest.raises(FileNotFoundError, match="lists a file that is not there"):
        open_checkpoint(ID, cache_dir=tmp_path)


def test_hostile_index(hub: HubServer, tmp_path: Path) -> None:
    index = b'{"weight_map": {"a": "../../../../etc/x.safetensors"}}'
    hub.models[ID] = {"model.safetensors.index.json": index}
    with pytest.raises(FormatError, match="expected the name of a file within the folder"):
        open_checkpoint(ID, cache_dir=tmp_path)
    assert hub.fetched() == ["model.safetensors.index.json"]


def test_damaged_file(hub: HubServer, opt_folders: dict[str, Path], tmp_path: Path) -> None:
    data = (opt_folders["safetensors"] / "model.safetensors").read_bytes()
    hub.models[ID] = {"model.safetensors": data[:-4]}
    with pytest.raises(FormatError, match="truncated"):
        open_checkpoint(ID, cache_dir=tmp_path)


def test_bits_survive_the_hub(hub: HubServer, tmp_path: Path) -> None:
    from safetensors.numpy import save

    patterns = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    hub.models[ID] = {"model.safetensors": save({"w": patterns})}
    found = open_checkpoint(ID, cache_dir=tmp_path).tensors["w"]
    assert found.raw().tobytes() == patterns.tobytes()
