"""Which files of a model are packed, which are carried along, and under which names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from meadow_py.checkpoint.format.manifest import CARD, MANIFEST, ORIGINALS, check_inside, check_tree
from meadow_py.errors import FormatError
from meadow_py.sources.names import require_target
from meadow_py.sources.safetensors import is_packed
from meadow_py.sources.selection import PACKED_SUFFIX as SUFFIX
from meadow_py.sources.selection import SUFFIXES, holds_weights
from meadow_py.sources.sharded import read_index, require_shards, shards

CONFIG = "config.json"
_INDEX = ".index.json"  # what the names of weight indexes end with
# Of version control and downloads, not of the model.
_LEFT_OUT = (".git", ".cache", "__pycache__")


@dataclass(frozen=True)
class PlannedFile:
    """One file of a model.

    Attributes
    ----------
    source : path
    name : str
        Within the model's folder.
    target : str
        Within the packed folder.
    packed : bool
        Whether it is packed, or carried along as it is.
    """

    source: Path
    name: str
    target: str
    packed: bool


@dataclass(frozen=True)
class Plan:
    """What becomes of a model: a folder of files, or one file.

    Attributes
    ----------
    root : path
        The folder of the model, or its only file.
    files : tuple of PlannedFile
        Sorted by name.
    """

    root: Path
    files: tuple[PlannedFile, ...]

    @property
    def is_file(self) -> bool:
        """Whether the model is one file."""
        return self.root.is_file()

    @property
    def packed(self) -> list[PlannedFile]:
        """The files that are packed."""
        return [file for file in self.files if file.packed]

    @property
    def carried(self) -> list[PlannedFile]:
        """The files that stay as they are."""
        return [file for file in self.files if not file.packed]


def plan_file(path: Path) -> Plan:
    """One weight file alone.

    Raises
    ------
    ValueError
        If it is no weight file, or packed already.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: not a known weight file: expected one of {', '.join(SUFFIXES)}")
    return Plan(path, (_packed(path, path.name, packed_name(path.name)),))


def plan_folder(folder: Path, names: Iterable[str] | None = None) -> Plan:
    """All files of a folder and those below it, or only the named ones.

    Raises
    ------
    FileNotFoundError
        If it holds no weights, not all shards of an index, or a link to nothing.
    ValueError
        If it is packed already, or holds what is neither a file nor a folder.
    """
    chosen = sorted(_names(folder, "") if names is None else names)
    if MANIFEST in chosen and any(name.endswith(SUFFIX) for name in chosen):
        raise ValueError(f"{folder}: packed already: unpack it, or copy it as it is")
    taken: set[str] = {name for name in chosen if not holds_weights(name)}
    files = tuple(_planned(folder / name, _checked(folder, name), taken) for name in chosen)
    if not any(file.packed for file in files):
        found = ", ".join(chosen[:12]) or "no files"
        raise FileNotFoundError(
            f"{folder}: no weights: looked for {', '.join(SUFFIXES)}; found {found}"
        )
    _check(folder, files)
    for name in chosen:
        if name.endswith(_INDEX):
            _require_shards(folder, name)
    return Plan(folder, files)


def packed_name(name: str) -> str:
    """``model.meadow.safetensors`` for ``model.safetensors``; other names stay in front."""
    return name.removesuffix(".safetensors") + SUFFIX


def _planned(path: Path, name: str, taken: set[str]) -> PlannedFile:
    if not holds_weights(name):
        return PlannedFile(path, name, _carried_name(name), packed=False)
    target = packed_name(name)
    if target in taken:
        target = name + SUFFIX
    taken.add(target)
    return _packed(path, name, target)


def _packed(path: Path, name: str, target: str) -> PlannedFile:
    if is_packed(path):
        raise ValueError(f"{path}: packed already: unpack it, or copy it as it is")
    return PlannedFile(path, name, target, packed=True)


def _require_shards(folder: Path, name: str) -> None:
    """Raise FileNotFoundError if an index names shards of which only some are there.

    An index of which none is there is left over from weights of another kind.
    """
    path = folder / name
    kind = "safetensors" if name.endswith(f".safetensors{_INDEX}") else "pytorch"
    try:
        weight_map = read_index(path, kind)
    except FormatError:  # not one of weights; the file itself is carried along
        return
    if any((path.parent / shard).is_file() for shard in shards(weight_map)):
        require_shards(path.parent, path, weight_map)


def _carried_name(name: str) -> str:
    """Where a file stays as it is; apart, where it would be in the way or be taken for weights."""
    parts = PurePosixPath(name).parts
    apart = (
        name in (CONFIG, CARD, MANIFEST) or parts[0] == ORIGINALS or name.endswith((_INDEX, SUFFIX))
    )
    return f"{ORIGINALS}/{name}" if apart else name


def _names(folder: Path, prefix: str, inside: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """The files in a folder and below; links are followed."""
    found = folder.stat()
    here = (found.st_dev, found.st_ino)
    if here in inside:
        raise ValueError(f"{folder}: a link to a folder that it is in")
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            require_target(path)
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                if entry.name not in _LEFT_OUT:
                    yield from _names(path, f"{prefix}{entry.name}/", (*inside, here))
            elif stat.S_ISREG(mode):
                yield prefix + entry.name
            else:
                raise ValueError(f"{path}: not a regular file, but a device, a pipe or a socket")


def _checked(folder: Path, name: str) -> str:
    try:
        return check_inside(name, str(folder))
    except FormatError as error:
        raise ValueError(f"{error}: rename it, it could not be unpacked elsewhere") from None


def _check(folder: Path, files: tuple[PlannedFile, ...]) -> None:
    try:
        check_tree([MANIFEST, CARD, CONFIG, *(file.target for file in files)], str(folder))
    except FormatError as error:
        raise ValueError(f"{error} once packed: rename it") from None
