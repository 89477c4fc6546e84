"""Reader of PyTorch files (.bin, .pt, .pth): state dicts, read without torch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from meadow_py.errors import FormatError
from meadow_py.sources.dtypes import BITS, NUMPY, TORCH
from meadow_py.sources.mapped_file import MappedFile
from meadow_py.sources.pickle_objects import (
    Global,
    OddKey,
    OddTensor,
    PickleDamagedError,
    PickledStorage,
    PickledTensor,
    PickleError,
    PickleLimitError,
)
from meadow_py.sources.pickled import LARGEST, interpret, state_dict
from meadow_py.sources.pytorch_archive import ZIP, Archive
from meadow_py.sources.safetensors import MAX_DIMENSIONS
from meadow_py.sources.tensor import Bytes, Tensor, is_printable
from meadow_py.spelling import quoted, shortened

# The format before torch 1.6: five pickles (this number, a version, sizes of types, the root, the
# keys of the storages), then for each key its number of values in 8 bytes, and these.
_LEGACY = 0x1950A86A20F9469CFC6C
_LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_LEGACY_VERSION = 1001

_SAFE_WAY = (
    "Nothing of it was run. If you trust its author, save model.state_dict() as safetensors and "
    "open that"
)
_DAMAGED = "truncated or corrupt; download it again"


class _Storage(NamedTuple):
    """The bytes of a storage, and how to read them."""

    length: int
    read: Callable[[], Bytes]


class _Content(NamedTuple):
    """The content of a file."""

    root: Any
    storages: dict[str, _Storage]
    swapped: bool  # whether its values are big-endian


def read_pytorch(path: Path) -> tuple[list[Tensor], MappedFile]:
    """The tensors of one file, and the mapping that holds them; compressed ones are unpacked.

    If several names share one storage (tied weights), only the first is kept. A tensor that was
    saved without a dict around it gets the name ``tensor``.

    Raises
    ------
    FormatError
        If the file is truncated or corrupt, is a pickle that would run code (it is not run) or
        exceeds a limit, has a name that is not a string, or a tensor that claims more bytes than
        are stored for it.
    TypeError
        If a tensor is sparse, quantised by torch, or of an unknown dtype.
    ValueError
        If the file holds no tensors.
    """
    mapped = MappedFile(path)
    try:
        content = _content(mapped)
        return list(_tensors(path, content)), mapped
    except BaseException:
        mapped.close()
        raise


def _content(mapped: MappedFile) -> _Content:
    start = mapped.read(0, min(mapped.size, len(_LEGACY_START))).tobytes()
    if start.startswith(ZIP):
        return _of_archive(mapped)
    try:
        return _of_legacy(mapped)
    except PickleDamagedError as error:
        if start == _LEGACY_START or _LEGACY_START.startswith(start) or ZIP.startswith(start):
            raise FormatError(f"{mapped.path}: {_DAMAGED}") from None
        raise _refused(mapped.path, error) from None
    except PickleError as error:
        raise _refused(mapped.path, error) from None


def _of_archive(mapped: MappedFile) -> _Content:
    """The content of an archive, as torch has written them since 1.6."""
    archive = Archive(mapped)
    member = archive.members.get(f"{archive.root}data.pkl")
    if member is None:
        raise FormatError(f"{mapped.path}: {_no_pickle(archive)}")
    if member.length > LARGEST:
        raise _refused(mapped.path, PickleLimitError(f"has {member.length} B, more than {LARGEST}"))
    archive.require_moderate()
    try:
        found = interpret(archive.read(member).tobytes())
    except PickleError as error:
        if archive.is_intact(member):
            raise _refused(mapped.path, error) from None
        raise FormatError(f"{mapped.path}: {_DAMAGED}") from None
    script = f"{archive.root}constants.pkl" in archive.members
    _require_harmless(mapped.path, [Global("TorchScript", "code")] if script else found.foreign)
    if archive.byte_order not in ("little", "big"):
        raise FormatError(f"{mapped.path}: unknown byte order {quoted(archive.byte_order)}")
    held = {
        key: _Storage(member.length, functools.partial(archive.read, member))
        for key, member in archive.storages().items()
    }
    return _Content(found.root, held, swapped=archive.byte_order == "big")


def _no_pickle(archive: Archive) -> str:
    if not archive.members:
        return _DAMAGED
    found = quoted(list(archive.members)[:8])
    return f"expected an archive of torch.save with one data.pkl, found {found}"


def _of_legacy(mapped: MappedFile) -> _Content:
    """The content of a file that torch wrote before 1.6."""
    data = mapped.read(0, min(mapped.size, LARGEST)).tobytes()
    storages: dict[str, PickledStorage] = {}
    magic = interpret(data)
    _require_harmless(mapped.path, magic.foreign)
    if magic.root != _LEGACY:
        raise PickleError("is none of torch.save")
    version = interpret(data, magic.end)
    sizes = interpret(data, version.end)
    if version.root != _LEGACY_VERSION:
        raise PickleError("has an unknown version")
    found = interpret(data, sizes.end, storages)
    _require_harmless(mapped.path, found.foreign)
    keys = interpret(data, found.end)
    if not isinstance(keys.root, list):
        raise PickleDamagedError("names no storages")
    return _Content(
        found.root, dict(_legacy_storages(mapped, keys.root, keys.end, storages)), False
    )


def _legacy_storages(
    mapped: MappedFile, keys: list[Any], begin: int, storages: dict[str, PickledStorage]
) -> Iterator[tuple[str, _Storage]]:
    for key in keys:
        storage = storages.get(key) if isinstance(key, str) else None
        if storage is None or begin + 8 > mapped.size:
            raise PickleDamagedError("names a storage that is not there")
        if storage.declared is None and not storage.untyped:
            raise PickleError("has a storage of an unknown dtype")
        size = 1 if storage.declared is None else BITS[storage.declared] // 8
        length = int.from_bytes(mapped.read(begin, 8).tobytes(), "little") * size
        if begin + 8 + length > mapped.size:
            raise PickleDamagedError("names a storage that is not there")
        yield key, _Storage(length, functools.partial(mapped.read, begin + 8, length))
        begin += 8 + length


def _require_harmless(path: Path, foreign: list[Global]) -> None:
    if foreign:
        raise FormatError(
            f"{path}: refused: it holds code or objects that are not tensors "
            f"({shortened(str(foreign[0]))}), and was not loaded. {_SAFE_WAY}"
        )


def _refused(path: Path, error: PickleError) -> FormatError:
    if isinstance(error, PickleLimitError):
        said = f"its pickle {error}, which no state dict needs"
    else:
        said = "it holds code or objects that are not tensors, or is not a PyTorch file"
    return FormatError(f"{path}: refused: {said}, and was not loaded. {_SAFE_WAY}")


def _tensors(path: Path, content: _Content) -> Iterator[Tensor]:
    """The tensors by name; of a trainer's checkpoint, those of the model in it."""
    values = state_dict(content.root)
    if not values:
        raise ValueError(
            f"{path}: no tensors: expected a state dict {{name: tensor}}, found "
            f"{_described(content.root)}"
        )
    seen = set()
    for name, value in values.items():
        if not isinstance(value, PickledTensor | OddTensor):
            continue
        _check_name(path, name)
        if isinstance(value, OddTensor):
            raise TypeError(
                f"{path}: tensor {quoted(name)} is {value.kind}: expected a dense tensor of "
                f"{', '.join(TORCH)}"
            )
        place = (value.storage.key, value.dtype, value.offset, value.shape, value.strides)
        if place not in seen or 0 in value.shape:  # second names of tied weights are left out
            yield _tensor(path, name, value, content)
        seen.add(place)


def _described(root: Any) -> str:
    if not isinstance(root, dict):
        return f"an object of type {type(root).__name__}"
    keys = [key.key if isinstance(key, OddKey) else key for key in list(root)[:8]]
    return f"keys {quoted(keys)}"


def _check_name(path: Path, name: Any) -> None:
    if isinstance(name, OddKey):
        raise FormatError(
            f"{path}: names of tensors are strings, not {type(name.key).__name__}: "
            f"{quoted(name.key)}"
        )
    if not is_printable(name):
        raise FormatError(f"{path}: the name {quoted(name)} holds a lone surrogate")


def _tensor(path: Path, name: str, value: PickledTensor, content: _Content) -> Tensor:
    where = f"{path}: tensor {quoted(name)}"
    held = content.storages.get(value.storage.key)
    if held is None:
        raise FormatError(f"{where}: truncated or corrupt: its storage is missing")
    if len(value.shape) > MAX_DIMENSIONS:
        raise FormatError(f"{where} has {len(value.shape)} dimensions, more than {MAX_DIMENSIONS}")
    size = NUMPY[value.dtype].itemsize
    count = math.prod(value.shape)
    reach = sum((n - 1) * step for n, step in zip(value.shape, value.strides, strict=True))
    if count and (value.offset + reach + 1) * size > held.length:
        raise FormatError(f"{where}: truncated or corrupt: it ends after the end of its storage")
    if count * size > held.length:
        raise FormatError(
            f"{where} claims {count * size} B, its storage holds {held.length} B: an expanded or "
            "overlapping view. If you made the file, save a contiguous copy of it"
        )
    if content.swapped and value.storage.declared is None:
        raise FormatError(f"{where}: its storage is big-endian, and its dtype is not stated")
    read = functools.partial(_read, held, value, content.swapped)
    return Tensor(name, value.dtype, value.shape, count * size, read, str(path))


def _read(held: _Storage, tensor: PickledTensor, swapped: bool) -> Bytes:
    """The bytes of a tensor: a view of its storage where it has no gaps."""
    if 0 in tensor.shape:
        return np.zeros(0, np.uint8)
    size = NUMPY[tensor.dtype].itemsize
    begin = tensor.offset * size
    raw = held.read()[begin:]
    if tensor.strides == contiguous(tensor.shape):
        found = raw[: math.prod(tensor.shape) * size]
    else:
        values = raw[: raw.size // size * size].view(f"u{size}")  # numpy has no strides of F8
        steps = [step * size for step in tensor.strides]
        view = np.lib.stride_tricks.as_strided(values, tensor.shape, steps, writeable=False)
        found = np.ascontiguousarray(view).reshape(-1).view(np.uint8)
    if not swapped:
        return found
    part = size // 2 if tensor.dtype == "C64" else size
    return np.ascontiguousarray(found.reshape(-1, part)[:, ::-1]).reshape(-1)


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array without gaps, as in torch: dimensions of 0 count as 1."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))
