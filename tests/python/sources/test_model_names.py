"""Names that are nearly those of a model: what is said, and that none of them goes to the hub."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from meadow_py.dispatch import open_checkpoint

if TYPE_CHECKING:
    from hub_server import HubServer

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without the superuser's right to look everywhere, if the tests run with it."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("name", ["owner/model", "owner/model.safetensors"])
def test_forbidden_folder(
    name: str, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "owner"
    folder.mkdir()
    save_file({"w": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    folder.chmod(0)
    try:
        with unprivileged(), pytest.raises(PermissionError, match=rf"no permission.*{name}"):
            open_checkpoint(name)
    finally:
        folder.chmod(0o700)
    assert hub.requests == []


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_devices(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"no {device} here")
    with pytest.raises(ValueError, match=f"{device}: not a regular file"):
        open_checkpoint(device)


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"x\.safetensors: not a regular file"):
        open_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_dangling_link_in_a_folder(file: str, tmp_path: Path) -> None:
    """Neither another file that is there, nor going without, may quietly take its place."""
    other = "part.safetensors" if file == "model.safetensors" else "model.safetensors"
    save_file({"w": np.ones((2, 2), np.float32)}, tmp_path / other)
    (tmp_path / file).symlink_to("blobs/gone")
    with pytest.raises(FileNotFoundError, match=rf"{file}: a dangling link: .*blobs/gone is miss"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("target", ["gone.safetensors", "model"], ids=["missing", "itself"])
def test_dangling_link_as_the_model(
    target: str, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model").symlink_to(target)
    with pytest.raises(FileNotFoundError, match=f"dangling link: its target {target} is missing"):
        open_checkpoint("model")
    assert hub.requests == []


def test_dangling_link_that_is_not_needed(tmp_path: Path) -> None:
    save_file({"w": np.ones((2, 2), np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "optimizer.bin").symlink_to("gone")
    assert list(open_checkpoint(tmp_path).tensors) == ["w"]


@pytest.mark.parametrize(
    "address",
    [
        "https://huggingface.co/facebook/opt-125m",
        "https://huggingface.co/facebook/opt-125m/tree/main",
        "http://hf.co/facebook/opt-125m/",
        "huggingface.co/facebook/opt-125m?library=transformers",
    ],
)
def test_address_of_a_model(address: str, hub: HubServer) -> None:
    with pytest.raises(FileNotFoundError, match=r"by its hub id, 'facebook/opt-125m'$"):
        open_checkpoint(address)
    assert hub.requests == []


def test_home_of_nobody() -> None:
    with pytest.raises(FileNotFoundError, match="neither a folder nor a file"):
        open_checkpoint("~nobody-of-this-name/model")


def test_bare_name_that_nobody_knows(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = "'no-such-model' is neither a folder nor a file here"
    with pytest.raises(FileNotFoundError, match=here):
        open_checkpoint("no-such-model", cache_dir=tmp_path)
    assert hub.requests
    with pytest.raises(ConnectionError, match=rf"{here}.*local_files_only=True or --offline"):
        open_checkpoint("no-such-model", cache_dir=tmp_path, local_files_only=True)
    with socket.socket() as taken:  # nobody listens at its port
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(ConnectionError, match=r"no folder or file .* here, and the hub at"):
        open_checkpoint("no-such-model", cache_dir=tmp_path)


def test_bare_array() -> None:
    torch = pytest.importorskip("torch")
    arrays: list[Any] = [np.ones((2, 2)), torch.ones(2, 2)]
    for array in arrays:
        with pytest.raises(TypeError, match=r'is not a model: .*pass \{"name": array\}'):
            open_checkpoint(array)
