"""The header of a GGUF file: metadata and the table of tensors. Every read is checked."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

from meadow_py.errors import FormatError
from meadow_py.sources.tensor import Bytes

_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MAX_DIMENSIONS = 8  # ggml itself has 4
_MAX_NESTING = 4  # arrays of arrays

# Metadata value types of the format, by number: struct codes of the scalars.
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_UINT32, _STRING, _ARRAY = 4, 8, 9
_SMALLEST_PAIR = 8 + 4 + 1  # bytes: key length, type, a one-byte value
_SMALLEST_TENSOR = 8 + 4 + 4 + 8  # bytes: name length, dimension count, type, offset


class Readable(Protocol):
    """Anything with a name, a size, and bytes at offsets, such as `mapped.MappedFile`."""

    path: Path
    size: int

    def read(self, offset: int, size: int) -> Bytes:
        """`size` bytes at `offset`."""


class TensorInfo(NamedTuple):
    """One line of the table of tensors."""

    name: str
    shape: tuple[int, ...]  # row-major: the reverse of the stored order
    type: int  # number of the block type
    offset: int  # bytes after the start of the data


class Header(NamedTuple):
    """The part of a file before its data. Metadata holds the tokenizer's arrays only on request."""

    metadata: dict[str, Any]
    tensors: list[TensorInfo]
    data_start: int


def read_header(mapped: Readable, tokenizer: bool = False) -> Header:
    """Read and check the header; with `tokenizer`, keep the arrays of the tokenizer.

    Raises
    ------
    FormatError
        If anything in it is truncated, implausible or repeated.
    """
    cursor = _Cursor(mapped)
    if cursor.take(4) != b"GGUF":
        cursor.fail("not a GGUF file: it does not start with GGUF")
    _check_version(cursor)
    tensor_count, pair_count = cursor.scalar("Q"), cursor.scalar("Q")
    cursor.check_count(tensor_count, _SMALLEST_TENSOR, "tensors")
    cursor.check_count(pair_count, _SMALLEST_PAIR, "metadata fields")
    metadata, alignment = _read_metadata(cursor, pair_count, tokenizer)
    tensors = _read_tensors(cursor, tensor_count, alignment)
    start = -(-cursor.offset // alignment) * alignment
    return Header(metadata, tensors, start)


def _check_version(cursor: _Cursor) -> None:
    version = cursor.scalar("I")
    if version & 0xFFFF == 0 and version:
        cursor.fail("a big-endian GGUF file: convert it with gguf_convert_endian.py")
    if version not in _VERSIONS:
        cursor.fail(f"GGUF version {version}: versions {_VERSIONS} are read")


def _read_metadata(cursor: _Cursor, count: int, tokenizer: bool) -> tuple[dict[str, Any], int]:
    metadata: dict[str, Any] = {}
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(count):
        key = cursor.string()
        if key in metadata:
            cursor.fail(f"the metadata field {key!r} appears twice")
        kind = cursor.scalar("I")
        metadata[key] = _read_value(cursor, kind, tokenizer or not key.startswith("tokenizer."))
        if key == "general.alignment":
            alignment = _checked_alignment(cursor, kind, metadata[key])
    return {k: v for k, v in metadata.items() if v is not None}, alignment


def _checked_alignment(cursor: _Cursor, kind: int, value: Any) -> int:
    if kind != _UINT32 or value == 0 or value & (value - 1):
        cursor.fail(f"general.alignment must be a power of two, found {value!r}")
    return int(value)


def _read_value(cursor: _Cursor, kind: int, keep: bool, depth: int = 0) -> Any:
    """One metadata value; None for an array that is not to be kept."""
    if kind in _SCALARS:
        return cursor.scalar(_SCALARS[kind])
    if kind == _STRING:
        return cursor.string()
    if kind != _ARRAY or depth >= _MAX_NESTING:
        cursor.fail(f"a metadata value of unknown type {kind}")
    inner, count = cursor.scalar("I"), cursor.scalar("Q")
    if inner in _SCALARS:
        return cursor.scalars(_SCALARS[inner], count, keep)
    cursor.check_count(count, 8, "array elements")
    if inner == _STRING and not keep:
        for _ in range(count):
            cursor.skip(cursor.scalar("Q"))
        return None
    found = [_read_value(cursor, inner, keep, depth + 1) for _ in range(count)]
    return found if keep else None


def _read_tensors(cursor: _Cursor, count: int, alignment: int) -> list[TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for _ in range(count):
        name = cursor.string()
        if name in tensors:
            cursor.fail(f"tensor {name!r} appears twice")
        dimensions = cursor.scalar("I")
        if dimensions > _MAX_DIMENSIONS:
            cursor.fail(f"tensor {name!r} has {dimensions} dimensions")
        shape = tuple(reversed([cursor.scalar("Q") for _ in range(dimensions)]))
        if math.prod(max(1, size) for size in shape) * 8 >= 2**63:
            cursor.fail(f"tensor {name!r} has the shape {list(shape)}, which is too large")
        kind, offset = cursor.scalar("I"), cursor.scalar("Q")
        if offset % alignment:
            cursor.fail(f"tensor {name!r} at {offset} is not aligned to {alignment} B")
        tensors[name] = TensorInfo(name, shape, kind, offset)
    return list(tensors.values())


class _Cursor:
    """A place in the file; every read is checked against its end."""

    def __init__(self, mapped: Readable) -> None:
        self.path: Path = mapped.path
        self._data = mapped.read(0, mapped.size).data
        self.offset = 0

    def fail(self, what: str) -> NoReturn:
        raise FormatError(f"{self.path}: {what} (before byte {self.offset})")

    def skip(self, size: int) -> None:
        if size > len(self._data) - self.offset:
            self.fail(f"truncated or corrupt: {size} B expected here, the file ends before")
        self.offset += size

    def take(self, size: int) -> bytes:
        begin = self.offset
        self.skip(size)
        return bytes(self._data[begin : self.offset])

    def scalar(self, code: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def scalars(self, code: str, count: int, keep: bool) -> list[Any] | None:
        size = struct.calcsize("<" + code)
        if not keep:
            self.skip(size * count)
            return None
        return list(struct.unpack(f"<{count}{code}", self.take(size * count)))

    def string(self) -> str:
        text = self.take(self.scalar("Q"))
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            self.fail(f"a name or text is not UTF-8: {text[:40]!r}")

    def check_count(self, count: int, smallest: int, what: str) -> None:
        """Read a count. One that cannot fit in the rest of the file is refused before its use."""
        if count * smallest > len(self._data) - self.offset:
            self.fail(f"truncated or corrupt: {count} {what} do not fit in the file")
