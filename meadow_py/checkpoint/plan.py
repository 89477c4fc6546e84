"""Decides which files of a model are packed or carried along, and under which names."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from meadow_py.checkpoint.format.card import CARD
from meadow_py.checkpoint.format.manifest import MANIFEST, ORIGINALS, check_inside, check_tree
from meadow_py.errors import FormatError
from meadow_py.files import disk
from meadow_py.sources.model_files import PACKED_SUFFIX as SUFFIX
from meadow_py.sources.model_files import (
    SUFFIXES,
    holds_weights,
    local_path,
    read_index,
    require_hub_id,
    require_shards,
    require_target,
    shards,
)
from meadow_py.sources.safetensors import is_packed
from meadow_py.spelling import byte_size

_log = logging.getLogger(__name__)

CONFIG = "config.json"
_INDEX = ".index.json"  # names of weight indexes end with this
# Folders of version control, downloads and caches, which are not part of the model.
_LEFT_OUT = (".git", ".cache", "__pycache__")


@dataclass(frozen=True)
class PlannedFile:
    """One file of a model.

    Attributes
    ----------
    source : path
    name : str
        Its name within the model's folder.
    target : str
        Its name within the packed folder.
    packed : bool
        Whether it is packed; otherwise it is carried along unchanged.
    """

    source: Path
    name: str
    target: str
    packed: bool


@dataclass(frozen=True)
class PackingPlan:
    """How each file of a model is packed; the model is a folder or one file.

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
        """The files that are carried along unchanged."""
        return [file for file in self.files if not file.packed]


def plan_of(
    name: str | os.PathLike[str],
    revision: str | None,
    token: str | bool | None,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
    follow_links: bool = False,
) -> PackingPlan:
    """Plan what happens to the files of a folder, a file or a hub id.

    Raises
    ------
    TypeError
        If the source is none of these.
    PermissionError
        If a link leads out of the folder, unless `follow_links`.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(
            f"a {type(name).__name__} cannot be packed: expected a hub id, a folder or a file"
        )
    if not str(name):
        raise ValueError("the name of the model is empty: expected a hub id or a path")
    path = local_path(name)
    if path is not None:
        return plan_folder(path, None, follow_links) if path.is_dir() else plan_file(path)
    require_hub_id(name)
    from meadow_py.sources.hub import Request, fetch_files

    where = None if cache_dir is None else Path(cache_dir)
    request = Request(str(name), revision, token, where, local_files_only)
    return plan_folder(*fetch_files(request), follow_links)


def plan_file(path: Path) -> PackingPlan:
    """Plan for a single weight file.

    Raises
    ------
    ValueError
        If it is not a weight file, or is already packed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: not a known weight file: expected one of {', '.join(SUFFIXES)}")
    return PackingPlan(path, (_packed(path, path.name, packed_name(path.name)),))


def plan_folder(
    folder: Path, names: Iterable[str] | None = None, follow_links: bool = False
) -> PackingPlan:
    """Plan for all files in and below a folder, or only the named ones.

    Raises
    ------
    FileNotFoundError
        If the folder holds no weights, only some shards of an index, or a broken link.
    ValueError
        If it is already packed, or holds anything that is neither a file nor a folder.
    PermissionError
        If a link leads out of the folder, unless `follow_links`.
    """
    chosen = sorted(_names(folder, "") if names is None else names)
    if not follow_links:
        _require_inside(folder, chosen)
    if MANIFEST in chosen and any(name.endswith(SUFFIX) for name in chosen):
        raise ValueError(f"{folder}: already packed: unpack it, or copy it unchanged")
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
    return PackingPlan(folder, files)


def _require_inside(folder: Path, names: Iterable[str]) -> None:
    """Refuse links that lead out of the folder: their targets would be packed and published.

    In the hub's cache, where ``snapshots/COMMIT/NAME`` links to ``blobs/HASH``, they may lead to
    ``blobs``.
    """
    root = Path(os.path.realpath(folder))
    allowed = [root]
    blobs = root.parent.parent / "blobs"
    if root.parent.name == "snapshots" and not blobs.is_symlink():
        allowed.append(blobs)
    for name in names:
        target = Path(os.path.realpath(folder / name))
        if not any(place in target.parents for place in allowed):
            raise PermissionError(
                f"{folder / name}: leads out of the folder, to {target}, which would be packed "
                "with the model. If that is right, put a copy in its place, or pass "
                "follow_links=True (--follow-links)"
            )


def packed_name(name: str) -> str:
    """``model.meadow.safetensors`` for ``model.safetensors``; other suffixes are kept before it."""
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
        raise ValueError(f"{path}: already packed: unpack it, or copy it unchanged")
    return PlannedFile(path, name, target, packed=True)


def _require_shards(folder: Path, name: str) -> None:
    """Raise FileNotFoundError if only some of the shards that an index names exist.

    If none exists, the index is left over from weights of another format.
    """
    path = folder / name
    kind = "safetensors" if name.endswith(f".safetensors{_INDEX}") else "pytorch"
    try:
        weight_map = read_index(path, kind)
    except FormatError:  # not an index of weights; the file itself is carried along
        return
    if any((path.parent / shard).is_file() for shard in shards(weight_map)):
        require_shards(path.parent, path, weight_map)


def _carried_name(name: str) -> str:
    """The name of a carried file; in `ORIGINALS` if it would conflict or be taken for weights."""
    parts = PurePosixPath(name).parts
    apart = (
        name in (CONFIG, CARD, MANIFEST) or parts[0] == ORIGINALS or name.endswith((_INDEX, SUFFIX))
    )
    return f"{ORIGINALS}/{name}" if apart else name


def _names(folder: Path, prefix: str, inside: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """The files in and below a folder; links are followed."""
    found = folder.stat()
    here = (found.st_dev, found.st_ino)
    if here in inside:
        raise ValueError(f"{folder}: a link to a folder that contains it")
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
        raise ValueError(
            f"{error}: rename it, because it could not be unpacked on every system"
        ) from None


def _check(folder: Path, files: tuple[PlannedFile, ...]) -> None:
    try:
        check_tree([MANIFEST, CARD, CONFIG, *(file.target for file in files)], str(folder))
    except FormatError as error:
        raise ValueError(f"{error} once packed: rename it") from None


def look_at_space(plan: PackingPlan, target: Path, folder: Path) -> None:
    """Refuse what cannot fit on the disk; warn of what may not, since packed sizes are unknown."""
    wanted = [file for file in plan.files if not (folder / file.target).is_file()]
    sizes = [(file.packed, file.source.stat().st_size) for file in wanted]
    disk.require_space(folder, sum(size for packed, size in sizes if not packed), target)
    free, most = disk.free_space(folder), sum(size for _, size in sizes)
    if most > free:
        _log.warning(
            "%s: the files to pack have %s, and %s are free there: space may run out before all "
            "are packed",
            target,
            byte_size(most),
            byte_size(free),
        )
