"""Packed models by hub id, against a hub on the loopback interface."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from hub_server import HubServer, _Handler

if TYPE_CHECKING:
    from conftest import Find

ID = "someone/packed"
LOAD = """
import sys
import meadow_py.torch
from transformers import AutoModelForCausalLM
folder, model, where = sys.argv[1:4]
words = dict(word.split("=") for word in sys.argv[4:])
found = AutoModelForCausalLM.from_pretrained(model, cache_dir=where, **words)
sys.path.append(sys.argv[0])
from same_model import assert_same
assert_same(found, AutoModelForCausalLM.from_pretrained(folder))
print("the same")
"""


class FoldersHandler(_Handler):
    """Files below folders, too."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+/.+)", path)
        if found is None:
            super()._answer()
            return
        self.hub.requests.append((self.command, path))
        self._file(found[1], found[2], found[3])


@pytest.fixture
def hub() -> Iterator[HubServer]:
    server = HubServer()
    for port in server._servers:
        port.RequestHandlerClass = type("Handler", (FoldersHandler,), {"hub": server})
    yield server
    server.stop()


def publish(hub: HubServer, folder: Path) -> None:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    hub.models[ID] = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


def run(hub: HubServer, *arguments: Any, offline: bool = False) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-c", LOAD, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip()


@pytest.mark.parametrize("name", ["opt-bf16", "llama-bf16-bin-sharded"])
def test_a_hub_id_gives_the_dense_model(
    name: str, hub: HubServer, dense: Find, packed: Find, tmp_path: Path
) -> None:
    publish(hub, packed(name))
    assert run(hub, dense(name), ID, tmp_path) == "the same"
    needed = {file for file in hub.models[ID] if file.endswith(".meadow.safetensors")}
    fetched = set(hub.fetched())
    assert {*needed, "meadow.json", "config.json"} <= fetched
    assert "MEADOW.md" not in fetched


def test_again_and_offline_it_comes_from_the_cache(
    hub: HubServer, dense: Find, packed: Find, tmp_path: Path
) -> None:
    name = "llama-f32-sharded"
    publish(hub, packed(name))
    assert run(hub, dense(name), ID, tmp_path) == "the same"
    hub.requests.clear()
    assert run(hub, dense(name), ID, tmp_path, offline=True) == "the same"
    assert hub.requests == []


def test_revision_and_token_reach_the_hub(
    hub: HubServer, dense: Find, packed: Find, tmp_path: Path
) -> None:
    name = "opt-bf16"
    publish(hub, packed(name))
    hub.gated.add(ID)
    words = (f"revision={hub.commit(ID)}", "token=good")
    assert run(hub, dense(name), ID, tmp_path, *words) == "the same"
    assert f"/resolve/{hub.commit(ID)}/" in str(hub.requests)


def test_a_file_that_is_missing_there(
    hub: HubServer, dense: Find, packed: Find, tmp_path: Path
) -> None:
    name = "llama-f32-sharded"
    publish(hub, packed(name))
    gone = next(file for file in hub.models[ID] if file.startswith("model-00002"))
    del hub.models[ID][gone]
    error = run(hub, dense(name), ID, tmp_path).splitlines()[-1]
    assert error.startswith(f"FileNotFoundError: {ID}: {gone}, which holds model-00002")
