"""What the pickle of a PyTorch archive says of its storages and tensors, without running any of it.

Every global that the pickle names is answered by a stand-in of ours that does nothing, so no code
of a library or of the file runs, and no torch is needed. Opcodes are looked through first, as some
can be made to take memory without end.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_LARGEST = 1 << 26  # bytes of a pickle; those of models take some hundred per tensor

# What torch.save writes, and protocol 4's spelling of the same.
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
_DTYPES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "complex64": "C64",
    "float64": "F64",
    "int64": "I64",
    "uint64": "U64",
}
_NESTED = ("state_dict", "model_state_dict", "model", "module")  # where trainers keep it


@dataclass(eq=False)
class Storage:
    """What a pickle says of one storage; `dtype` is None where it is not known, or not one."""

    key: str
    dtype: str | None


@dataclass(eq=False)
class StoredTensor:
    """What a pickle says of one tensor; offset and strides in values."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __setstate__(self, state: Any) -> None:
        """Attributes that a pickle would set are left out."""


@dataclass
class Pickled:
    """The storages of a pickle by key, and the tensors of the state dict by name.

    `tensors` is None if the pickle was not understood to its end, or holds no plain state dict.
    """

    storages: dict[str, Storage] = field(default_factory=dict)
    tensors: dict[str, StoredTensor] | None = None


def read_pickle(data: bytes) -> Pickled:
    """What can be told of a pickle; nothing is raised for one that is odd."""
    found = Pickled()
    if len(data) > _LARGEST:
        return found
    try:
        _check_opcodes(data)
        root = _Reader(data, found.storages).load()
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
    """Stands for any global: it can be called, built and filled, and does nothing."""

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
    """Stands for OrderedDict, whose attributes (`_metadata`) are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Named:
    """A storage class or a dtype: its name in safetensors' spelling, if it has one."""

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        pass


# What makes tensors that are a view of a storage, and where it says of one that readers are to
# negate or conjugate its values.
_PLAIN = {"_rebuild_tensor_v2": 6, "_rebuild_tensor_v3": 7}


class _Odd:
    """A tensor that is no view of a storage: sparse, quantised, of a class of its own."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Rebuild:
    """Stands for ``torch._utils._rebuild_*``."""

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
        if self._function == "_rebuild_tensor_v3":
            storage.dtype = dtype = arguments[6].dtype
        else:
            dtype = storage.dtype
        numbers = (offset, *shape, *strides)
        plain = all(type(n) is int and 0 <= n < 2**48 for n in numbers)
        if not plain or len(shape) != len(strides) or dtype is None or any(flags):
            return _Odd()
        return StoredTensor(storage, dtype, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes, storages: dict[str, Storage]) -> None:
        super().__init__(io.BytesIO(data))
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if module in ("torch._utils", "torch._tensor") and name.startswith("_rebuild"):
            return _Rebuild(name)
        if (module, name) == ("collections", "OrderedDict"):
            return _Dict
        if module in ("torch", "torch.storage") and name.endswith("Storage"):
            return _Named(_STORAGES.get(name))
        if module == "torch" and name in _DTYPES:
            return _Named(_DTYPES[name])
        return type("Inert", (_Inert,), {})  # one each: a pickle may set attributes of it

    def persistent_load(self, pid: Any) -> Storage:
        kind, named, key, _location, _count = pid
        if kind != "storage" or not isinstance(key, str):
            raise ValueError("no storage")
        dtype = named.dtype if isinstance(named, _Named) else None
        known = self._storages.setdefault(key, Storage(key, dtype))
        if known.dtype != dtype and dtype is not None:
            raise ValueError("a storage of two dtypes")
        return known


def _state_dict(root: Any) -> dict[str, StoredTensor] | None:
    """The tensors by name, of a trainer's checkpoint those of the model, as torch's reader has."""
    if not isinstance(root, Mapping):
        return None
    for inner in (*(root.get(key) for key in _NESTED), root):
        found = dict(_tensors(inner)) if isinstance(inner, Mapping) else {}
        if found:
            return found
    return None


def _tensors(values: Mapping[Any, Any]) -> Iterator[tuple[str, StoredTensor]]:
    for name, value in values.items():
        if isinstance(value, _Odd):
            raise ValueError(f"{name!r} is no plain tensor")
        if isinstance(value, StoredTensor):
            if not isinstance(name, str):
                raise ValueError("a tensor whose name is no string")
            name.encode("utf-8")  # lone surrogates: a ValueError
            yield name, value
