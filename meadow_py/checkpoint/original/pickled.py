"""Reads the storages and tensors from the pickle of a PyTorch archive without running any of it.

Every global that the pickle names is replaced by an inert stand-in of ours, so that no code of a
library or of the file runs, and torch is not needed. Opcodes are checked first, because some can be
made to take unlimited memory.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meadow_py.sources.dtypes import TORCH
from meadow_py.sources.pytorch import NESTED

_LARGEST = 1 << 26  # bytes of a pickle; models take some hundred bytes per tensor

# The opcodes that torch.save writes, and their counterparts in protocol 4.
# fmt: off
_OPCODES = frozenset({
    "PROTO", "STOP", "MARK", "FRAME", "MEMOIZE", "POP", "POP_MARK", "DUP", "GLOBAL",
    "STACK_GLOBAL", "REDUCE", "BUILD", "NEWOBJ", "BINPERSID", "PERSID", "EMPTY_DICT",
    "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_SET", "DICT", "LIST", "TUPLE", "TUPLE1", "TUPLE2",
    "TUPLE3", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "ADDITEMS", "NONE", "NEWTRUE",
    "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "PUT",
    "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET",
})
# fmt: on
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")

_STORAGES = {
    "BoolStorage": "BOOL",
    "ByteStorage": "U8",
    "CharStorage": "I8",
    "ShortStorage": "I16",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "IntStorage": "I32",
    "FloatStorage": "F32",
    "ComplexFloatStorage": "C64",
    "LongStorage": "I64",
    "DoubleStorage": "F64",
}


@dataclass(eq=False)
class PickledStorage:
    """A storage as a pickle describes it.

    Attributes
    ----------
    key : str
        Its name in the archive.
    declared : str or None
        The dtype of its class; None for a class without one, or with an unsupported one.
    used : set of str
        The dtypes of the tensors that bring a dtype of their own.
    """

    key: str
    declared: str | None
    used: set[str] = field(default_factory=set)

    @property
    def dtype(self) -> str | None:
        """The one dtype of all its values; None if it is unknown, or tensors disagree about it."""
        known = self.used if self.declared is None else {self.declared, *self.used}
        return next(iter(known)) if len(known) == 1 else None


@dataclass(eq=False)
class PickledTensor:
    """A tensor as a pickle describes it; offset and strides in values."""

    storage: PickledStorage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __setstate__(self, state: Any) -> None:
        """Ignore attributes that a pickle would set."""


@dataclass
class Pickled:
    """The storages of a pickle by key, and the tensors of the state dict by name.

    `tensors` is None if the pickle was not understood to its end, or holds no plain state dict.
    """

    storages: dict[str, PickledStorage] = field(default_factory=dict)
    tensors: dict[str, PickledTensor] | None = None


def read_pickle(data: bytes) -> Pickled:
    """Read what is recognised in a pickle; nothing is raised for an odd one."""
    found = Pickled()
    if len(data) > _LARGEST:
        return found
    try:
        _check_opcodes(data)
        root = _Unpickler(data, found.storages).load()
        found.tensors = _state_dict(root)
    except Exception:  # noqa: BLE001 - a damaged or hostile pickle can raise anything
        found.tensors = None
    return found


def _check_opcodes(data: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in _OPCODES:
            raise ValueError(f"opcode {opcode.name}")
        if opcode.name in _PUTS and int(argument or 0) > len(data):
            raise ValueError(f"a memo of {argument} entries")


class _Inert:
    """A stand-in for any global: it can be called, built and filled, and does nothing."""

    def __new__(cls, *_arguments: Any, **_named: Any) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """As of a list."""

    def extend(self, values: Any) -> None:
        """As of a list."""


class _Dict(dict[Any, Any]):
    """A stand-in for OrderedDict, whose attributes (`_metadata`) are ignored."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Named:
    """A storage class or a dtype: its name in safetensors' spelling, if it has one."""

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        pass


# Functions that rebuild a tensor as a view of a storage, and the position of the argument that asks
# readers to negate or conjugate its values.
_PLAIN = {"_rebuild_tensor_v2": 6, "_rebuild_tensor_v3": 7}


class _Odd:
    """A tensor that is not a view of a storage: sparse, quantised, or of a special class."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Rebuild:
    """A stand-in for ``torch._utils._rebuild_*``."""

    def __init__(self, function: str) -> None:
        self._function = function

    def __setstate__(self, state: Any) -> None:
        pass

    def __call__(self, *arguments: Any) -> Any:
        if self._function in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
            return arguments[0]
        if self._function not in _PLAIN:
            return _Odd()
        storage, offset, shape, strides = arguments[:4]
        flags = arguments[_PLAIN[self._function] :]
        dtype = storage.declared
        if self._function == "_rebuild_tensor_v3":
            dtype = arguments[6].dtype
            storage.used.add(dtype)
        numbers = (offset, *shape, *strides)
        plain = all(type(n) is int and 0 <= n < 2**48 for n in numbers)
        if not plain or len(shape) != len(strides) or dtype is None or any(flags):
            return _Odd()
        return PickledTensor(storage, dtype, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, storages: dict[str, PickledStorage]) -> None:
        super().__init__(io.BytesIO(data))
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if module in ("torch._utils", "torch._tensor") and name.startswith("_rebuild"):
            return _Rebuild(name)
        if (module, name) == ("collections", "OrderedDict"):
            return _Dict
        if module in ("torch", "torch.storage") and name.endswith("Storage"):
            return _Named(_STORAGES.get(name))
        if module == "torch" and name in TORCH:
            return _Named(TORCH[name])
        return type("Inert", (_Inert,), {})  # one each: a pickle may set attributes of it

    def persistent_load(self, pid: Any) -> PickledStorage:
        kind, named, key, _location, _count = pid
        if kind != "storage" or not isinstance(key, str):
            raise ValueError("no storage")
        dtype = named.dtype if isinstance(named, _Named) else None
        known = self._storages.setdefault(key, PickledStorage(key, dtype))
        if known.declared != dtype and dtype is not None:
            raise ValueError("a storage of two dtypes")
        return known


def _state_dict(root: Any) -> dict[str, PickledTensor] | None:
    """The tensors by name, as in `sources.pytorch`: in a trainer's checkpoint, the model's."""
    if not isinstance(root, Mapping):
        return None
    for inner in (*(root.get(key) for key in NESTED), root):
        found = dict(_tensors(inner)) if isinstance(inner, Mapping) else {}
        if found:
            return found
    return None


def _tensors(values: Mapping[Any, Any]) -> Iterator[tuple[str, PickledTensor]]:
    for name, value in values.items():
        if isinstance(value, _Odd):
            raise ValueError(f"{name!r} is no plain tensor")
        if isinstance(value, PickledTensor):
            if not isinstance(name, str):
                raise ValueError("a tensor whose name is no string")
            name.encode("utf-8")  # lone surrogates: a ValueError
            yield name, value
