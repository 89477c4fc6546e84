"""Files that are carried along as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from meadow_py.checkpoint import writing
from meadow_py.checkpoint.manifest import CarriedEntry
from meadow_py.checkpoint.plan import PlannedFile
from meadow_py.errors import FormatError

_PIECE = 1 << 22  # bytes read at a time


def carry(file: PlannedFile, folder: Path) -> CarriedEntry:
    """Copy a file of the model into the packed folder, unless it is there already."""
    target = folder / file.target
    found = sha256_of(file.source)
    if not target.is_file() or sha256_of(target) != found:
        copied = copy(file.source, target)
        if copied != found:
            raise FormatError(f"{file.source}: changed while it was being read: pack it again")
    return CarriedEntry(file.target, target.stat().st_size, found, file.name)


def copy(source: Path, target: Path) -> str:
    """Copy a file; SHA-256 of what was copied. The target appears when it is whole."""
    digest = hashlib.sha256()
    writing.make_folder(target.parent)
    with writing.NewFile(target) as file:
        for piece in _pieces(source):
            digest.update(piece)
            file.append(piece)
        file.finish()
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def content_entry(name: str, content: bytes) -> CarriedEntry:
    """The entry of a file that packing has added."""
    return CarriedEntry(name, len(content), hashlib.sha256(content).hexdigest(), None)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
