"""The inert objects that a pickle of tensors is interpreted into: no code of any library runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from meadow_py.sources.dtypes import TORCH

_MOST_ARGUMENTS = 16  # of a call that rebuilds a tensor
_MOST_DIMENSIONS = 64

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


class PickleError(ValueError):
    """A pickle that cannot be interpreted; the message completes "its pickle ..."."""


class PickleDamagedError(PickleError):
    """A pickle that ends too early, or whose opcodes do not fit each other."""


class PickleLimitError(PickleError):
    """A pickle that exceeds a limit, which no state dict does."""


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
    untyped: bool = False  # whether its class says that it holds bytes

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


@dataclass(eq=False)
class OddTensor:
    """A tensor that is not a view of a storage: sparse, quantised, or of a special class."""

    kind: str


@dataclass(eq=False)
class Global:
    """An inert stand-in for a class or function that a pickle names."""

    module: str
    name: str

    @property
    def dtype(self) -> str | None:
        """The dtype that it is or that it stores, in safetensors' spelling."""
        if self.module in ("torch", "torch.storage", "torch.cuda") and self.name in _STORAGES:
            return _STORAGES[self.name]
        return TORCH.get(self.name) if self.module == "torch" else None

    @property
    def harmless(self) -> bool:
        """Whether files that hold nothing but tensors name it."""
        if self.module.startswith("torch"):
            return (self.module, self.name) in _OF_TORCH or (
                self.module in (*_TENSOR_CLASSES, "torch.storage")
                and (self.name in TORCH or _TYPES.fullmatch(self.name) is not None)
            )
        return (self.module, self.name) in _OF_PYTHON

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


# Storages, legacy tensors, and dtypes that have no spelling here.
_TYPES = re.compile(r"\w*(Storage|Tensor)|u?int[1-7]|bits\d+(x\d+)?|float4_e2m1fn_x2")
_TENSOR_CLASSES = ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse")
_REBUILD = ("torch._utils", "torch._tensor")
# Functions that rebuild a tensor as a view of a storage, and the position of the argument that asks
# readers to negate or conjugate its values.
_PLAIN = {"_rebuild_tensor": 4, "_rebuild_tensor_v2": 6, "_rebuild_tensor_v3": 7}
_WRAPPED = ("_rebuild_parameter", "_rebuild_parameter_with_state")
_ODD = {
    "_rebuild_sparse_tensor": "sparse",
    "_rebuild_sparse_csr_tensor": "sparse",
    "_rebuild_qtensor": "quantised by torch",
    "_rebuild_nested_tensor": "nested",
    "_rebuild_meta_tensor_no_storage": 'without values (on the device "meta")',
    "_rebuild_wrapper_subclass": "of a special class",
    "_rebuild_device_tensor_from_numpy": "of another device",
    "_rebuild_device_tensor_from_cpu_tensor": "of another device",
}
_OF_TORCH = {
    *(("torch._utils", name) for name in (*_PLAIN, *_WRAPPED, *_ODD)),
    ("torch._tensor", "_rebuild_from_type_v2"),
    ("torch.nn.parameter", "Parameter"),
    ("torch.serialization", "_get_layout"),
    *(("torch", name) for name in ("Size", "device", "complex32", "complex128")),
    *(("torch", name) for name in ("qint8", "quint8", "qint32", "quint4x2", "quint2x4")),
    *(("torch", f"per_{what}_affine") for what in ("tensor", "channel")),
    *(("torch", f"per_{what}_symmetric") for what in ("tensor", "channel")),
    ("torch", "per_channel_affine_float_qparams"),
}
_OF_PYTHON = {
    ("collections", "OrderedDict"),
    ("collections", "Counter"),
    ("_codecs", "encode"),
    *((where, name) for where in ("builtins", "__builtin__") for name in ("set", "bytearray")),
    ("builtins", "complex"),
}


class OddKey:
    """A key of a dict that is no string."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key


class Opaque:
    """The result of a call of an unknown class or function."""

    __slots__ = ()


def fill(target: dict[Any, Any], pairs: Iterable[Any]) -> None:
    """Set the items of a dict. Keys that are no strings are never hashed.

    The hash of a tuple of tuples can take for ever, and integers can be chosen to collide.
    """
    for key, value in pairs:
        target[key if type(key) in (str, OddKey) else OddKey(key)] = value


def call(called: Global, arguments: tuple[Any, ...]) -> Any:
    """The result of a call of a stand-in."""
    if called.module == "collections" and called.name in ("OrderedDict", "Counter"):
        pairs = arguments[0] if arguments else []
        made: dict[Any, Any] = {}
        fill(made, pairs.items() if isinstance(pairs, dict) else pairs)
        return made
    if (called.module, called.name) == ("torch", "Size"):
        return tuple(arguments[0])
    if (called.module, called.name) == ("torch.nn.parameter", "Parameter"):
        return arguments[0]
    if called.module in _TENSOR_CLASSES and called.name.endswith("Tensor"):
        return OddTensor("of a class that torch has not written since 0.4")
    if called.module in _REBUILD and called.name.startswith("_rebuild"):
        return _tensor(called, arguments)
    return Opaque()


def _tensor(called: Global, arguments: tuple[Any, ...]) -> Any:
    """The result of a function of torch that rebuilds tensors."""
    if len(arguments) > _MOST_ARGUMENTS:
        raise PickleError(f"calls {called} with {len(arguments)} arguments")
    if called.name in _WRAPPED:
        return arguments[0]
    if called.name == "_rebuild_from_type_v2":
        function, kind, inner = arguments[:3]
        is_tensor = kind.module.startswith("torch") and kind.name in ("Tensor", "Parameter")
        if not is_tensor or function.name not in (*_PLAIN, *_WRAPPED):
            return OddTensor("of a special class")
        return _tensor(function, inner)
    if called.name not in _PLAIN:
        return OddTensor(_ODD.get(called.name, "of a special class"))
    return _rebuilt(called.name, arguments)


def _rebuilt(function: str, arguments: tuple[Any, ...]) -> PickledTensor | OddTensor:
    """A tensor as a view of its storage."""
    storage, offset, shape, strides = arguments[:4]
    if any(arguments[_PLAIN[function] :]):
        return OddTensor("negated or conjugated when it is read")
    dtype = storage.declared
    if function == "_rebuild_tensor_v3":
        dtype = arguments[6].dtype
        storage.used.add(dtype)
    if len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        return OddTensor("of no possible shape")
    if not all(type(n) is int and 0 <= n < 2**48 for n in (offset, *shape, *strides)):
        return OddTensor("of no possible shape or place")
    if dtype is None:
        return OddTensor("of an unknown dtype")
    return PickledTensor(storage, dtype, offset, tuple(shape), tuple(strides))
