"""The index of a sharded checkpoint: which file holds which tensor."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from meadow_py.errors import FormatError
from meadow_py.sources.names import require_target
from meadow_py.sources.selection import PYTORCH_SUFFIXES
from meadow_py.sources.strict_json import read_object
from meadow_py.sources.tensor import Tensor

_SUFFIXES = {"safetensors": (".safetensors",), "pytorch": PYTORCH_SUFFIXES}


def read_index(path: Path, kind: str) -> dict[str, str]:
    """Tensor name -> shard, relative to the folder of the index.

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
                f"{path}: tensor {name!r} is said to be in {shard!r}, which is no file name "
                "within the folder"
            )
        if not shard.endswith(_SUFFIXES[kind]):
            raise FormatError(f"{path}: {shard!r} is no {kind} file ({_SUFFIXES[kind]})")
    return weight_map


def shards(weight_map: dict[str, str]) -> list[str]:
    """The distinct files that an index names, sorted."""
    return sorted(set(weight_map.values()))


def require_shards(folder: Path, index: Path, weight_map: dict[str, str]) -> None:
    """Raise FileNotFoundError if a shard is missing, naming it and what it should hold."""
    for shard in shards(weight_map):
        require_target(folder / shard)
        if not (folder / shard).is_file():
            held = [name for name, file in weight_map.items() if file == shard]
            raise FileNotFoundError(
                f"{folder}: the shard {shard} is missing, which {index.name} says holds "
                f"{len(held)} tensors (the first is {held[0]!r}): copy or download it again"
            )


def of_shard(index: Path, weight_map: dict[str, str], shard: str, held: list[Tensor]) -> set[str]:
    """The names of the tensors that one shard contributes.

    Tensors that the index does not mention are included, as in other readers.
    """
    present = {tensor.name for tensor in held}
    for name, file in weight_map.items():
        if file == shard and name not in present:
            raise FormatError(f"{index}: says that {shard} holds tensor {name!r}, but it does not")
    return {name for name in present if weight_map.get(name, shard) == shard}


def _stays_inside(shard: str) -> bool:
    parts = PurePosixPath(shard).parts
    return bool(parts) and not (
        shard.startswith("/") or ".." in parts or "\\" in shard or ":" in shard or "\0" in shard
    )
