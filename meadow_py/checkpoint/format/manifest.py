"""The manifest, ``meadow.json``: the list of all other files of a packed folder."""

from __future__ import annotations

import hashlib
import itertools
import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from meadow_py.checkpoint.format.layout import (
    NO_CHECKSUM,
    SHA256,
    VERSION,
    VERSIONS,
    unknown_version,
)
from meadow_py.errors import FormatError
from meadow_py.records import RecordError, from_json_types
from meadow_py.sources.model_files import PACKED_MANIFEST
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import is_printable

MANIFEST = PACKED_MANIFEST
ORIGINALS = "meadow-original"  # holds files that packing replaces, or that loaders must not find

_MOST = 1 << 30  # bytes of a manifest, which takes some hundred for each tensor


def check_inside(name: str, where: str) -> str:
    """Return the name if it is that of a file within a folder; otherwise raise FormatError.

    Absolute names, ``..``, drives, backslashes, and all names that are not normalised as in POSIX
    are refused.
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
        raise FormatError(f"{where}: expected the name of a file within the folder, found {name!r}")
    return name


def seal(data: dict[str, Any]) -> bytes:
    """Indented JSON of the object, with ``"checksum"``: SHA-256 of the text with zeros there."""
    text = (
        json.dumps({**data, "checksum": NO_CHECKSUM}, indent=1, ensure_ascii=False).encode() + b"\n"
    )
    before, found, after = text.rpartition(NO_CHECKSUM.encode())
    return before + hashlib.sha256(before + found + after).hexdigest().encode() + after


def unseal(text: bytes, where: str) -> dict[str, Any]:
    """Check the text that `seal` made; return the object without its checksum.

    Raises
    ------
    FormatError
        If the text is not a JSON object, or any byte has changed.
    """
    data = parse_object(text, where)
    digest = data.pop("checksum", None)
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise FormatError(f"{where}: corrupt: it has no checksum")
    before, _, after = text.rpartition(digest.encode())
    found = hashlib.sha256(before + NO_CHECKSUM.encode() + after).hexdigest()
    if found != digest:
        raise FormatError(f"{where}: corrupt or edited: it has checksum {found}, expected {digest}")
    return data


@dataclass(frozen=True)
class PackedEntry:
    """A packed file.

    Attributes
    ----------
    name : str
        Its name within the packed folder.
    size : int
        Its size in bytes.
    checksum : str
        SHA-256 of its header, which holds the checksums of the rest.
    source : str
        The name of the original file within its folder.
    source_size : int
        The size of the original in bytes.
    source_sha256 : str
        SHA-256 of the original.
    tensors : tuple of str
        The names of its tensors, in the order of their bytes.
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
    """A file that is carried along unchanged, or that packing added (`source` is None)."""

    name: str
    size: int
    sha256: str
    source: str | None


@dataclass(frozen=True)
class Manifest:
    """The content of a ``meadow.json``."""

    software: str
    codec: str
    packed: tuple[PackedEntry, ...]
    carried: tuple[CarriedEntry, ...]

    @property
    def entries(self) -> list[PackedEntry | CarriedEntry]:
        """Every file except the manifest."""
        return [*self.packed, *self.carried]

    @property
    def bytes_original(self) -> int:
        """Bytes of all files of the original."""
        carried = sum(entry.size for entry in self.carried if entry.source is not None)
        return carried + sum(entry.source_size for entry in self.packed)

    def carried_as(self, source: str) -> str | None:
        """The place of an original file that is kept unchanged, or None if it is not kept."""
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
    """The manifest of a packed folder; see `read_sealed`."""
    return read_sealed(folder)[0]


def read_sealed(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a packed folder, and the SHA-256 of the ``meadow.json`` that was read.

    The files that it names exist in the right sizes.

    Raises
    ------
    FormatError
        If there is no manifest, it is corrupt or newer than this library, or a file is missing or
        of another size.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FormatError(
            f"{folder}: incomplete: {MANIFEST} is missing. Pack the model again, or copy the "
            "whole folder; to open one packed file, name the file"
        )
    if path.stat().st_size > _MOST:
        raise FormatError(f"{path}: {path.stat().st_size} B: a manifest has at most {_MOST}")
    text = path.read_bytes()
    made = manifest_from_json(text, str(path))
    for entry in made.entries:
        check_size(folder, entry.name, entry.size)
    return made, hashlib.sha256(text).hexdigest()


def manifest_from_json(text: bytes, where: str) -> Manifest:
    """The manifest in the content of a ``meadow.json``, without a check that its files exist.

    Raises
    ------
    FormatError
        If it is corrupt or newer than this library.
    """
    return _parsed(unseal(text, where), where)


def check_size(folder: Path, name: str, size: int) -> None:
    """Raise FormatError if a file of the folder is missing, or of another size."""
    path = folder / name
    if not path.is_file():
        raise FormatError(f"{path}: missing, but {MANIFEST} names it: copy it again")
    found = path.stat().st_size
    if found != size:
        raise FormatError(
            f"{path}: expected {size} B as {MANIFEST} says, found {found}: copy it again"
        )


def _parsed(data: Mapping[str, Any], where: str) -> Manifest:
    kind, version = data.get("format"), data.get("version")
    wrong = f"format: expected 'meadow', found {reprlib.repr(kind)}" if kind != "meadow" else ""
    if not wrong and type(version) is not int:
        wrong = f"version: expected a whole number, found {reprlib.repr(version)}"
    if wrong:
        raise FormatError(f"{where}: not the manifest of a packed folder: {wrong}")
    if version not in VERSIONS:
        raise FormatError(f"{where}: {unknown_version(reprlib.repr(version))}")
    try:
        made = from_json_types(Manifest, data)
    except RecordError as error:
        raise FormatError(f"{where}: damaged manifest: {error}") from error
    _check_entries(made, f"{where}: damaged manifest")
    _check_names(made, where)
    return made


def _check_entries(manifest: Manifest, where: str) -> None:
    for key in ("software", "codec"):
        _check_value(key, getattr(manifest, key), f"{where}: {key}")
    for kind in ("packed", "carried"):
        for n, entry in enumerate(getattr(manifest, kind)):
            for key, value in vars(entry).items():
                _check_value(key, value, f"{where}: {kind}[{n}].{key}")


def _check_value(key: str, value: Any, where: str) -> None:
    if value is None:  # the source of a file that packing added
        return
    if key in ("name", "source"):
        check_inside(value, where)
    elif key in ("size", "source_size"):
        if not 0 <= value < 2**60:
            raise FormatError(f"{where}: expected a size in bytes, found {reprlib.repr(value)}")
    elif key in ("checksum", "sha256", "source_sha256"):
        if not SHA256.fullmatch(value):
            raise FormatError(f"{where}: expected 64 hexadecimal digits, found {value[:80]!r}")
    elif not all(map(is_printable, (value,) if isinstance(value, str) else value)):
        raise FormatError(f"{where}: expected text without lone surrogates, found {value!r}")


def _check_names(manifest: Manifest, where: str) -> None:
    """Check that no file is listed twice or lies below another, and that none is the manifest."""
    if not manifest.packed:
        raise FormatError(f"{where}: packed: it lists no packed files")
    names, sources = {"": MANIFEST}, {}
    for kind in ("packed", "carried"):
        for n, entry in enumerate(getattr(manifest, kind)):
            names[f"{kind}[{n}].name"] = entry.name
            if entry.source is not None:
                sources[f"{kind}[{n}].source"] = entry.source
    for placed in (names, sources):
        check_tree(list(placed.values()), where, list(placed))


def check_tree(names: Sequence[str], where: str, places: Sequence[str] = ()) -> None:
    """Raise FormatError if a name appears twice, or is the folder of another name.

    `places` are the paths of the names in a document, for messages.
    """
    taken: set[str] = set()
    for n, name in enumerate(names):
        if name in taken:
            raise FormatError(f"{_named(where, places, n)}: {name!r} appears twice")
        taken.add(name)
    # Sorted by parts, the names in a folder directly follow that of the folder.
    split = sorted((name.split("/"), n) for n, name in enumerate(names))
    for (held, _), (parts, n) in itertools.pairwise(split):
        if parts[: len(held)] == held:
            named = _named(where, places, n)
            said = f"{names[n]!r} would be in {'/'.join(held)!r}, which is a file"
            raise FormatError(f"{named}: {said}")


def _named(where: str, places: Sequence[str], number: int) -> str:
    return f"{where}: {places[number]}" if places and places[number] else where
