"""The header of a packed file: a safetensors header that identifies itself.

``docs/format.md`` has the specification.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from meadow_py.checkpoint.original.region import RESERVED
from meadow_py.errors import FormatError
from meadow_py.sources.tensor import is_printable

VERSION = 2  # of the files that this library writes
VERSIONS = (1, 2)  # that it reads
ALIGNMENT = 64  # bytes: a cache line, and the widest SIMD register
REST = f"{RESERVED}rest"
REGIONS = f"{RESERVED}regions"

NO_CHECKSUM = "0" * 64
SHA256 = re.compile(r"[0-9a-f]{64}")
# Words of the metadata; all values are strings. Version 1 has no `data_sha256`.
METADATA = (
    "format",
    "version",
    "software",
    "codec",
    "source",
    "source_size",
    "source_sha256",
    "regions_sha256",
    "data_sha256",
    "checksum",
)


class HeaderEntry(NamedTuple):
    """One tensor of the packed file: plain bytes."""

    name: str
    offset: int  # bytes after the header
    size: int


def aligned(size: int) -> int:
    """Round up to a multiple of the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def padded_sha256(data: bytes | memoryview, size: int) -> bytes:
    """SHA-256 of data with zeros after it, up to `size` bytes in all."""
    digest = hashlib.sha256(data)
    digest.update(bytes(size - len(data)))
    return digest.digest()


def room_for_header(names: Sequence[str], metadata: Mapping[str, str], largest: int) -> int:
    """The most bytes that a header can take, including its length, for any offsets.

    Parameters
    ----------
    largest : int
        An upper bound of the offsets.
    """
    filled = {**dict.fromkeys(METADATA, NO_CHECKSUM), **metadata}
    return aligned(8 + len(_text([HeaderEntry(name, largest, largest) for name in names], filled)))


def header(stored: Sequence[HeaderEntry], metadata: Mapping[str, str], room: int) -> bytes:
    """Header length and header, including its checksum, padded with spaces to `room` bytes."""
    text = _text(stored, {**metadata, "checksum": NO_CHECKSUM})
    if 8 + len(text) > room:
        raise RuntimeError(f"a header of {8 + len(text)} B where {room} B are reserved")
    made = (room - 8).to_bytes(8, "little") + text.ljust(room - 8)
    digest = hashlib.sha256(made).hexdigest()
    before, after = made.split(b'"checksum":"' + NO_CHECKSUM.encode() + b'"')
    return before + b'"checksum":"' + digest.encode() + b'"' + after


def check_header(made: bytes, metadata: Mapping[str, str], where: str) -> None:
    """Check the version of a header, then its checksum.

    Parameters
    ----------
    made : bytes
        Header length and header.

    Raises
    ------
    FormatError
        If metadata is missing, the version is newer than this library, or any byte has changed.
    """
    version = metadata.get("version", "")
    if metadata.get("format") != "meadow" or not version.isascii() or not version.isdigit():
        raise FormatError(f"{where}: not a packed file: its metadata names no version")
    if len(version) > 9 or int(version) not in VERSIONS:
        raise FormatError(f"{where}: {unknown_version(version[:20])}")
    keys = words_of(int(version))
    missing = set(keys) ^ set(metadata)
    if missing:
        raise FormatError(f"{where}: corrupt metadata: {sorted(missing)} missing or unknown")
    for key in keys:
        if not is_printable(metadata[key]):
            raise FormatError(f"{where}: corrupt metadata: {key} holds a lone surrogate")
    digest = metadata["checksum"]
    field = b'"checksum":"' + digest.encode() + b'"'
    if not SHA256.fullmatch(digest) or made.count(field) != 1:
        raise FormatError(f"{where}: corrupt: the header has no checksum")
    blank = made.replace(field, b'"checksum":"' + NO_CHECKSUM.encode() + b'"')
    found = hashlib.sha256(blank).hexdigest()
    if found != digest:
        raise FormatError(f"{where}: corrupt: the header has checksum {found}, expected {digest}")


def words_of(version: int) -> tuple[str, ...]:
    """The words of the metadata in a version of the format."""
    return tuple(key for key in METADATA if key != "data_sha256" or version > 1)


def unknown_version(version: object) -> str:
    """The message about a version of the format that this library does not read."""
    return (
        f"packed format version {version}, this library reads {VERSIONS[0]} to {VERSIONS[-1]}: "
        "update meadow_py"
    )


def number(metadata: Mapping[str, Any], key: str, where: str) -> int:
    """A whole number in the metadata."""
    text = metadata[key]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise FormatError(f"{where}: corrupt metadata: {key} is {text[:40]!r}")
    return int(text)


def _text(stored: Sequence[HeaderEntry], metadata: Mapping[str, str]) -> bytes:
    words: dict[str, Any] = {"format": "meadow"}
    words |= {key: metadata[key] for key in METADATA if key in metadata}
    entries: dict[str, Any] = {"__metadata__": words}
    for name, offset, size in stored:
        entries[name] = {"dtype": "U8", "shape": [size], "data_offsets": [offset, offset + size]}
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
