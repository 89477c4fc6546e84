"""``meadow.json``: what a packed folder consists of."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from meadow_py.checkpoint.format.layout import VERSION
from meadow_py.errors import FormatError
from meadow_py.sources.selection import PACKED_MANIFEST
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import is_printable

MANIFEST = PACKED_MANIFEST
CARD = "MEADOW.md"
ORIGINALS = "meadow-original"  # the folder of files that would be changed, or found, otherwise

_MOST = 1 << 30  # bytes of a manifest: some hundred for each tensor
_T = TypeVar("_T")
_NONE = "0" * 64
_HEX = re.compile(r"[0-9a-f]{64}")


def check_inside(name: str, where: str) -> str:
    """The name itself, if it is one of a file within a folder; anything else is a FormatError.

    Refused are absolute names, ``..``, drives, backslashes, and everything that is not spelled
    as POSIX normalises it.
    """
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    good = (
        bool(parts)
        and is_printable(name)
        and "/".join(parts) == name
        and ".." not in parts
        and not name.startswith("/")
        and not any(mark in name for mark in "\\:\0")
    )
    if not good:
        raise FormatError(f"{where}: {name!r} is no name of a file within the folder")
    return name


def seal(data: dict[str, Any]) -> bytes:
    """The object as JSON for people, with ``"checksum"``: SHA-256 of the text with zeros there."""
    text = json.dumps({**data, "checksum": _NONE}, indent=1, ensure_ascii=False).encode() + b"\n"
    before, found, after = text.rpartition(_NONE.encode())
    return before + hashlib.sha256(before + found + after).hexdigest().encode() + after


def unseal(text: bytes, where: str) -> dict[str, Any]:
    """The object again, without its checksum.

    Raises
    ------
    FormatError
        If it is no JSON object, or any byte has changed.
    """
    data = parse_object(text, where)
    digest = data.pop("checksum", None)
    if not isinstance(digest, str) or not _HEX.fullmatch(digest):
        raise FormatError(f"{where}: corrupt: no checksum in it")
    before, _, after = text.rpartition(digest.encode())
    found = hashlib.sha256(before + _NONE.encode() + after).hexdigest()
    if found != digest:
        raise FormatError(f"{where}: corrupt or edited: it has checksum {found}, expected {digest}")
    return data


@dataclass(frozen=True)
class PackedEntry:
    """A packed file.

    Attributes
    ----------
    name : str
        Within the packed folder.
    size : int
        Bytes.
    checksum : str
        SHA-256 of its header, which holds those of the rest of it.
    source : str
        The original file, within its folder.
    source_size : int
    source_sha256 : str
    tensors : tuple of str
        In the order of their bytes.
    """

    name: str
    size: int
    checksum: str
    source: str
    source_size: int
    source_sha256: str
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class CarriedEntry:
    """A file that is as it was, or, where `source` is None, that packing added."""

    name: str
    size: int
    sha256: str
    source: str | None


@dataclass(frozen=True)
class Manifest:
    """What ``meadow.json`` says."""

    software: str
    codec: str
    packed: tuple[PackedEntry, ...]
    carried: tuple[CarriedEntry, ...]

    @property
    def entries(self) -> list[PackedEntry | CarriedEntry]:
        """Every file but the manifest."""
        return [*self.packed, *self.carried]

    @property
    def bytes_original(self) -> int:
        """Bytes of all files of the original."""
        carried = sum(entry.size for entry in self.carried if entry.source is not None)
        return carried + sum(entry.source_size for entry in self.packed)

    def carried_as(self, source: str) -> str | None:
        """Where a file of the original is kept as it was, None if it is not."""
        return next((entry.name for entry in self.carried if entry.source == source), None)


def manifest_to_json(manifest: Manifest) -> bytes:
    """The content of ``meadow.json``."""
    size = sum(entry.size for entry in manifest.entries)
    return seal(
        {
            "format": "meadow",
            "version": VERSION,
            "bytes_original": manifest.bytes_original,
            "bytes_packed": size,
            **asdict(manifest),
        }
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a packed folder, whose files are all there and as long as it says.

    Raises
    ------
    FormatError
        If there is none, it is corrupt or newer, or a file is missing or of another size.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FormatError(
            f"{folder}: not complete: {MANIFEST} is missing. Pack the model again, or copy all of "
            "the folder; a packed file alone is opened by its name"
        )
    if path.stat().st_size > _MOST:
        raise FormatError(f"{path}: {path.stat().st_size} B, which no manifest has")
    made = manifest_from_json(path.read_bytes(), str(path))
    for entry in made.entries:
        check_size(folder, entry.name, entry.size)
    return made


def manifest_from_json(text: bytes, where: str) -> Manifest:
    """The manifest in the content of a ``meadow.json``; that its files are there is not checked.

    Raises
    ------
    FormatError
        If it is corrupt or newer.
    """
    return _parsed(unseal(text, where), where)


def check_size(folder: Path, name: str, size: int) -> None:
    """Raise FormatError if a file of the folder is missing, or of another size."""
    path = folder / name
    if not path.is_file():
        raise FormatError(f"{path}: missing, but {MANIFEST} names it: copy it again")
    found = path.stat().st_size
    if found != size:
        raise FormatError(f"{path}: {found} B, {MANIFEST} says {size}: copy it again")


def _parsed(data: Mapping[str, Any], where: str) -> Manifest:
    version = data.get("version")
    if data.get("format") != "meadow" or type(version) is not int:
        raise FormatError(f"{where}: not the manifest of a packed folder")
    if version != VERSION:
        raise FormatError(
            f"{where}: packed format version {version}, this library reads {VERSION}: update "
            "meadow_py"
        )
    try:
        made = Manifest(
            _text(data["software"]),
            _text(data["codec"]),
            tuple(_packed(entry, where) for entry in data["packed"]),
            tuple(_carried(entry, where) for entry in data["carried"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{where}: damaged manifest: {error!r}") from error
    _check_names(made, where)
    return made


def _packed(entry: Mapping[str, Any], where: str) -> PackedEntry:
    return PackedEntry(
        check_inside(entry["name"], where),
        _size(entry["size"]),
        _sha256(entry["checksum"]),
        check_inside(entry["source"], where),
        _size(entry["source_size"]),
        _sha256(entry["source_sha256"]),
        tuple(_text(name) for name in entry["tensors"]),
    )


def _carried(entry: Mapping[str, Any], where: str) -> CarriedEntry:
    source = entry["source"]
    return CarriedEntry(
        check_inside(entry["name"], where),
        _size(entry["size"]),
        _sha256(entry["sha256"]),
        None if source is None else check_inside(source, where),
    )


def _check_names(manifest: Manifest, where: str) -> None:
    """No file twice, none below another file, and the manifest is none of them."""
    entries = manifest.entries
    if not manifest.packed:
        raise FormatError(f"{where}: no packed files in it")
    for names in (
        [MANIFEST, *(entry.name for entry in entries)],
        [entry.source for entry in entries if entry.source is not None],
    ):
        check_tree(names, where)


def check_tree(names: list[str], where: str) -> None:
    """Raise FormatError if a name appears twice, or is that of a folder of another."""
    taken = set(names)
    if len(taken) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"{where}: {twice!r} appears twice")
    for name in names:
        parts = name.split("/")
        for count in range(1, len(parts)):
            if "/".join(parts[:count]) in taken:
                raise FormatError(f"{where}: {name!r} is in a file of another name")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} where a text is expected")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**60:
        raise ValueError(f"{value!r} where a size is expected")
    return value


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError(f"{value!r} where a SHA-256 is expected")
    return value
