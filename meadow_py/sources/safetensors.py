"""Reader of safetensors files: checks the header to the last byte and maps the data.

The format: 8 bytes little-endian header length N, N bytes of JSON
``{"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}}``, then the
data, which the offsets tile without holes or overlaps up to the end of the file.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

from meadow_py.errors import FormatError
from meadow_py.sources.dtypes import BITS
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import Tensor
from meadow_py.spelling import quoted

MAX_HEADER = 100_000_000  # bytes; the limit of the format's reference implementation
MAX_DIMENSIONS = 32  # numpy 1 has no more
# The headers of packed files, and no others, begin with this: see `meadow_py.checkpoint`.
PACKED_START = b'{"__metadata__":{"format":"meadow",'
_FIELDS = {"dtype", "shape", "data_offsets"}


class _TensorEntry(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int  # bytes after the header
    end: int


def read_safetensors(path: Path) -> tuple[list[Tensor], MappedFile]:
    """The tensors of one file in the order of their data, and the mapping that holds them.

    Raises
    ------
    FormatError
        If the file breaks a rule of the format. The message names the file and the tensor.
    """
    mapped = MappedFile(path)
    try:
        header, start = _header(mapped)
        entries = [_entry(path, name, v) for name, v in header.items() if name != "__metadata__"]
        _check_metadata(path, header.get("__metadata__", {}))
        entries.sort(key=lambda entry: (entry.begin, entry.end))
        _check_tiling(path, entries, mapped.size - start)
    except BaseException:
        mapped.close()
        raise
    return [_tensor(mapped, start, entry) for entry in entries], mapped


def is_packed(path: Path) -> bool:
    """Whether a file begins like a packed file. The rest of it may be damaged."""
    with path.open("rb") as file:
        return file.read(8 + len(PACKED_START))[8:] == PACKED_START


def _tensor(mapped: MappedFile, start: int, entry: _TensorEntry) -> Tensor:
    size = entry.end - entry.begin
    read = functools.partial(mapped.read, start + entry.begin, size)
    return Tensor(entry.name, entry.dtype, entry.shape, size, read, str(mapped.path))


def _header(mapped: MappedFile) -> tuple[dict[str, Any], int]:
    """The parsed header, and where the data starts."""
    if mapped.size < 8:
        raise FormatError(
            f"{mapped.path}: truncated: {mapped.size} B, but the header length takes 8"
        )
    size = int.from_bytes(mapped.read(0, 8).tobytes(), "little")
    if size > MAX_HEADER:
        raise FormatError(
            f"{mapped.path}: not safetensors, or corrupt: the header claims {size} B, "
            f"but at most {MAX_HEADER} are allowed"
        )
    if 8 + size > mapped.size:
        raise FormatError(
            f"{mapped.path}: truncated: the header claims {size} B in a file of {mapped.size} B"
        )
    return _parse(mapped.path, mapped.read(8, size).tobytes()), 8 + size


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise FormatError(f"{path}: the header is not a JSON object: it starts with {text[:1]!r}")
    return parse_object(text, f"{path}: header")


def _check_metadata(path: Path, metadata: Any) -> None:
    if metadata is None:  # the format's reference implementation takes null as absent
        return
    texts = isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values())
    if not texts:
        raise FormatError(f"{path}: __metadata__ must map strings to strings")


def _entry(path: Path, name: str, value: Any) -> _TensorEntry:
    where = f"{path}: tensor {quoted(name)}"
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise FormatError(f"{where}: expected exactly the keys {sorted(_FIELDS)}")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise FormatError(
            f"{where}: unknown dtype {quoted(dtype)}: corrupt, or newer than this reader"
        )
    if not _are_sizes(shape):
        raise FormatError(f"{where}: the shape must be a list of sizes, found {quoted(shape)}")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise FormatError(f"{where}: data_offsets must be [begin, end], found {quoted(offsets)}")
    _check_size(where, dtype, shape, offsets[1] - offsets[0])
    return _TensorEntry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _check_size(where: str, dtype: str, shape: list[int], size: int) -> None:
    if any(size >= 2**63 for size in (*shape, size)):
        raise FormatError(f"{where}: the shape or place is too large")
    if len(shape) > MAX_DIMENSIONS:
        raise FormatError(
            f"{where}: expected at most {MAX_DIMENSIONS} dimensions, found {len(shape)}"
        )
    # numpy multiplies the other dimensions even if one is zero, so their product must fit, too.
    if math.prod(max(1, n) for n in shape) * 8 >= 2**63:
        raise FormatError(f"{where}: the shape {quoted(shape)} is too large")
    bits = math.prod(shape) * BITS[dtype]
    if bits % 8:
        raise FormatError(f"{where}: {dtype} of shape {shape} does not fill whole bytes")
    if size * 8 != bits:
        raise FormatError(
            f"{where}: {dtype} of shape {shape} takes {bits // 8} B, but data_offsets span {size}"
        )


def _check_tiling(path: Path, entries: list[_TensorEntry], available: int) -> None:
    """Check that offsets leave no hole, do not overlap, and end with the file."""
    reached = 0
    for entry in entries:
        if entry.end > available:
            raise FormatError(
                f"{path}: truncated: tensor {quoted(entry.name)} ends at byte {entry.end} of the "
                f"data, but the file holds {available}"
            )
        if entry.begin != reached:
            kind = "a hole before" if entry.begin > reached else "an overlap with"
            raise FormatError(
                f"{path}: {kind} tensor {quoted(entry.name)}: it begins at byte {entry.begin} of "
                f"the data, expected {reached}"
            )
        reached = entry.end
    if reached != available:
        raise FormatError(
            f"{path}: {available - reached} B after the last tensor belong to no tensor"
        )
