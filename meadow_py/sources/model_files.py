"""The files of a model: where its name leads, which files hold weights, what each shard holds."""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from meadow_py.errors import FormatError
from meadow_py.sources.strict_json import read_object
from meadow_py.sources.tensor import Tensor
from meadow_py.spelling import quoted, shortened

SAFETENSORS_INDEX = "model.safetensors.index.json"
SAFETENSORS = "model.safetensors"
PYTORCH_INDEX = "pytorch_model.bin.index.json"
PYTORCH = "pytorch_model.bin"
PYTORCH_SUFFIXES = (".bin", ".pt", ".pth")
SUFFIXES = (".safetensors", *PYTORCH_SUFFIXES, ".gguf")
PACKED_SUFFIX = ".meadow.safetensors"
PACKED_MANIFEST = "meadow.json"

# Written beside the weights by trainers and tokenizers; they hold no weights.
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "scaler", "rng_state", "tok")

_LOOKED_FOR = f"{SAFETENSORS_INDEX}, *.safetensors, {PYTORCH_INDEX}, *.bin, *.pt, *.pth, *.gguf"


class Selection(NamedTuple):
    """The files to read: an index that names the shards, or the files themselves."""

    format: str
    files: tuple[str, ...] = ()
    index_file: str | None = None
    canonical: bool = True  # whether the name alone shows that this is the whole model


def select_weights(names: Iterable[str], where: str) -> Selection:
    """Choose among file names: safetensors, else PyTorch, else one GGUF. An index takes precedence.

    Raises
    ------
    FileNotFoundError
        If none of them holds weights. The message lists what was looked for and what was found.
    ValueError
        If there are several GGUF files, because each of them is a model.
    """
    names = sorted(names)
    for choice in (_safetensors(names), _pytorch(names), _gguf(names, where)):
        if choice is not None:
            return choice
    raise FileNotFoundError(
        f"{where}: no weights: looked for {_LOOKED_FOR}; found {_listed(names)}"
    )


def holds_weights(name: str) -> bool:
    """Whether a file of this name, or at this path, holds weights, judged by its name alone."""
    file = name.rpartition("/")[2]
    known = file.lower().endswith(SUFFIXES)
    return known and not (file.endswith(PYTORCH_SUFFIXES) and file.startswith(_NO_WEIGHTS))


def _safetensors(names: list[str]) -> Selection | None:
    if SAFETENSORS_INDEX in names:
        return Selection("safetensors", index_file=SAFETENSORS_INDEX)
    if SAFETENSORS in names:
        return Selection("safetensors", (SAFETENSORS,))
    return _unindexed("safetensors", [name for name in names if name.endswith(".safetensors")])


def _pytorch(names: list[str]) -> Selection | None:
    if PYTORCH_INDEX in names:
        return Selection("pytorch", index_file=PYTORCH_INDEX)
    if PYTORCH in names:
        return Selection("pytorch", (PYTORCH,))
    found = [name for name in names if name.endswith(PYTORCH_SUFFIXES)]
    return _unindexed("pytorch", [name for name in found if not name.startswith(_NO_WEIGHTS)])


def _unindexed(kind: str, found: list[str]) -> Selection | None:
    return Selection(kind, tuple(found), canonical=False) if found else None


def _gguf(names: list[str], where: str) -> Selection | None:
    found = [name for name in names if name.endswith(".gguf")]
    if len(found) > 1:
        raise ValueError(
            f"{where}: {len(found)} GGUF files, each of them a model or a part of one: "
            f"name one of {_listed(found)}"
        )
    return Selection("gguf", (found[0],)) if found else None


def _listed(names: list[str], most: int = 12) -> str:
    if not names:
        return "no files"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shortened(name) for name in names[:most]) + rest


_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
# "name" or "owner/name", as the hub allows.
_HUB_ID = re.compile(rf"{_PART}(/{_PART})?")
_HUB_ADDRESS = re.compile(
    rf"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/({_PART}/{_PART})(?:[/?#].*)?"
)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL)


def local_path(model: str | os.PathLike[str]) -> Path | None:
    """The folder or regular file of this name, or None if there is none.

    Raises
    ------
    PermissionError
        If a folder on the way may not be searched, so that its contents are unknown.
    FileNotFoundError
        If it is a symbolic link whose target is missing.
    ValueError
        If it is a device, a pipe or a socket.
    """
    path = _expanded(model)
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL in the name
        return None
    except PermissionError as error:
        raise PermissionError(
            error.errno, "no permission to look at it, so it was not opened", str(path)
        ) from error
    except OSError as error:
        require_target(path)
        if error.errno in _NOT_THERE:
            return None
        raise
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise ValueError(f"{path}: not a regular file, but a device, a pipe or a socket")
    return path


def require_target(path: Path) -> None:
    """Raise FileNotFoundError if `path` is a symbolic link whose target is missing."""
    try:
        target = path.readlink()
    except (OSError, ValueError):
        return
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: a dangling link: its target {target} is missing. Download or copy the file "
            "again"
        )


# Endings of files that hold no weights, and of no model on the hub.
_NO_MODELS = (".json", ".toml", ".html", ".md", ".txt")


def require_hub_id(model: str | os.PathLike[str]) -> None:
    """Raise FileNotFoundError if `model` was meant as a path, or cannot be a hub id."""
    text = str(model)
    address = _HUB_ADDRESS.fullmatch(text)
    if address:
        raise FileNotFoundError(
            f"{text!r} is an address: name the model by its hub id, {address[1]!r}"
        )
    is_path = not isinstance(model, str) or text.endswith((*SUFFIXES, *_NO_MODELS))
    if is_path or not _HUB_ID.fullmatch(text) or "--" in text or ".." in text:
        raise FileNotFoundError(
            f"{text!r} is neither a folder nor a file (looked in "
            f"{_expanded(model).absolute().parent}) nor a hub id like 'facebook/opt-125m'"
        )


def _expanded(model: str | os.PathLike[str]) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError:  # "~name", where no user has this name
        return Path(model)


_SUFFIXES = {"safetensors": (".safetensors",), "pytorch": PYTORCH_SUFFIXES}


_LONGEST = 4096  # characters of a path, as on Linux


class WeightMap(dict[str, str]):
    """Tensor name -> shard, relative to the folder of the index; each shard in one spelling."""

    @functools.cached_property
    def by_shard(self) -> dict[str, list[str]]:
        """Shard -> the names of its tensors."""
        found: dict[str, list[str]] = {}
        for name, shard in self.items():
            found.setdefault(shard, []).append(name)
        return found


def read_index(path: Path, kind: str) -> WeightMap:
    """Read the index of a sharded model.

    Raises
    ------
    FormatError
        If the file is not such an index, or names a file outside its folder.
    """
    weight_map = read_object(path).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise FormatError(f"{path}: expected a weight_map of tensor names to files")
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or not _stays_inside(shard):
            raise FormatError(
                f"{path}: tensor {quoted(name)}: expected the name of a file within the folder, "
                f"found {quoted(shard)}"
            )
        if not shard.endswith(_SUFFIXES[kind]) or len(shard) > _LONGEST:
            raise FormatError(
                f"{path}: expected {kind} files ({', '.join(_SUFFIXES[kind])}), found "
                f"{quoted(shard)}"
            )
    return WeightMap({n: PurePosixPath(shard).as_posix() for n, shard in weight_map.items()})


def shards(weight_map: WeightMap) -> list[str]:
    """The distinct files that an index names, sorted."""
    return sorted(weight_map.by_shard)


def require_shards(folder: Path, index: Path, weight_map: WeightMap) -> None:
    """Raise FileNotFoundError if a shard is missing, naming it and what it should hold.

    Raises
    ------
    FormatError
        If two shards are one file by links, which would be read once for each.
    """
    known: dict[tuple[int, int], str] = {}
    for shard, held in sorted(weight_map.by_shard.items()):
        require_target(folder / shard)
        if not (folder / shard).is_file():
            raise FileNotFoundError(
                f"{folder}: the shard {shard} is missing, which {index.name} says holds "
                f"{len(held)} tensors (the first is {quoted(held[0])}): copy or download it again"
            )
        status = (folder / shard).stat()
        other = known.setdefault((status.st_dev, status.st_ino), shard)
        if other != shard:
            raise FormatError(f"{index}: {quoted(other)} and {quoted(shard)} are the same file")


def of_shard(index: Path, weight_map: WeightMap, shard: str, held: list[Tensor]) -> set[str]:
    """The names of the tensors that one shard contributes.

    Tensors that the index does not mention are included, as in other readers.
    """
    present = {tensor.name for tensor in held}
    for name in weight_map.by_shard.get(shard, []):
        if name not in present:
            raise FormatError(
                f"{index}: says that {shard} holds tensor {quoted(name)}, but it does not"
            )
    return {name for name in present if weight_map.get(name, shard) == shard}


def _stays_inside(shard: str) -> bool:
    parts = PurePosixPath(shard).parts
    return bool(parts) and not (
        shard.startswith("/") or ".." in parts or "\\" in shard or ":" in shard or "\0" in shard
    )
