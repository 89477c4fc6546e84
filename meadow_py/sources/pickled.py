"""Reads the storages and tensors from the pickle of a PyTorch file without running any of it.

The interpreter is our own, has limits, and replaces every global that the pickle names by an inert
stand-in, one for each name. Torch is not needed.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meadow_py.sources.pickle_objects import (
    Global,
    OddTensor,
    Opaque,
    PickleDamagedError,
    PickledStorage,
    PickledTensor,
    PickleError,
    PickleLimitError,
    call,
    fill,
)

# Models take some hundred bytes and some fifty opcodes per tensor.
LARGEST = 1 << 26  # bytes of a pickle
MOST_OPCODES = 1 << 22
MOST_GLOBALS = 1 << 12  # distinct ones
MOST_MARKS = 1 << 10  # open at a time

NESTED = ("state_dict", "model_state_dict", "model", "module")  # where trainers keep the tensors
ALONE = "tensor"  # the name of a tensor that was saved without a dict around it


@dataclass
class Interpreted:
    """The content of a pickle: its root, its storages by key, the globals it names, and its end."""

    root: Any
    storages: dict[str, PickledStorage]
    foreign: list[Global]  # which files of nothing but tensors do not name
    end: int  # offset of the first byte after it


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
    try:
        root = interpret(data, storages=found.storages).root
        found.tensors = dict(_plain(state_dict(root))) or None
    except Exception:  # noqa: BLE001 - a damaged or hostile pickle can raise anything
        found.tensors = None
    return found


def interpret(
    data: bytes, begin: int = 0, storages: dict[str, PickledStorage] | None = None
) -> Interpreted:
    """Interpret the pickle at `begin` without running any of it.

    Raises
    ------
    PickleLimitError
        If it exceeds a limit: of bytes, opcodes, globals, open marks, entries of the memo, or
        values that calls copy.
    PickleError
        If it cannot be interpreted.
    """
    found = {} if storages is None else storages
    if len(data) - begin > LARGEST:
        raise PickleLimitError(f"has {len(data) - begin} B, more than {LARGEST}")
    stream = io.BytesIO(data)
    stream.seek(begin)
    machine = _Machine(found)
    try:
        root = machine.run(stream)
    except PickleError:
        raise
    except Exception as error:
        raise PickleDamagedError(f"is damaged ({type(error).__name__})") from error
    foreign = [known for known in machine.globals.values() if not known.harmless]
    return Interpreted(root, found, foreign, stream.tell())


def state_dict(root: Any) -> Mapping[Any, Any]:
    """The mapping that holds the tensors; in a trainer's checkpoint, the model's. Else empty."""
    if isinstance(root, PickledTensor | OddTensor):
        return {ALONE: root}
    if not isinstance(root, dict):
        return {}
    for inner in (*(root.get(key) for key in NESTED), root):
        if isinstance(inner, dict) and any(
            isinstance(value, PickledTensor | OddTensor) for value in inner.values()
        ):
            return inner
    return {}


def _plain(values: Mapping[Any, Any]) -> Iterator[tuple[str, PickledTensor]]:
    for name, value in values.items():
        if isinstance(value, OddTensor):
            raise PickleError(f"holds a tensor that is {value.kind}")
        if isinstance(value, PickledTensor):
            if not isinstance(name, str):
                raise PickleError("holds a tensor whose name is no string")
            name.encode("utf-8")  # lone surrogates: a ValueError
            yield name, value


class _Machine:
    """The stack machine of pickles, with the opcodes that torch.save writes."""

    def __init__(self, storages: dict[str, PickledStorage]) -> None:
        self.globals: dict[tuple[str, str], Global] = {}
        self._storages = storages
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._copied = 0  # values that calls may have copied

    def run(self, stream: io.BytesIO) -> Any:
        """Interpret up to the end of the pickle, and return its root."""
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count >= MOST_OPCODES:
                raise PickleLimitError(f"has more than {MOST_OPCODES} opcodes")
            step = _STEPS.get(opcode.name)
            if step is None:
                raise PickleError(f"has the opcode {opcode.name}")
            step(self, argument)
        return self._stack.pop()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self, _: Any) -> None:
        if len(self._marked) >= MOST_MARKS:
            raise PickleLimitError(f"has more than {MOST_MARKS} open marks")
        self._marked.append(self._stack)
        self._stack = []

    def _items(self) -> list[Any]:
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _drop(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._items()

    def _drop_items(self) -> None:
        self._items()

    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise PickleDamagedError("is damaged")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _put(self, number: int | None) -> None:
        place = len(self._memo) if number is None else number
        if place >= LARGEST:  # also because integers beyond 2^61 can be chosen to collide
            raise PickleLimitError(f"has an entry of its memo beyond {LARGEST}")
        self._memo[place] = self._stack[-1]

    def _global(self, path: str) -> None:
        self._name(*path.split(" ", 1))

    def _stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(module, name)

    def _name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("names a global by no string")
        known = self.globals.setdefault((module, name), Global(module, name))
        if len(self.globals) > MOST_GLOBALS:
            raise PickleLimitError(f"names more than {MOST_GLOBALS} globals")
        self._push(known)

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if len(items) % 2 or not isinstance(target, dict | Opaque):
            raise PickleError("fills what is no dict")
        if isinstance(target, dict):
            fill(target, zip(items[::2], items[1::2], strict=True))

    def _dict(self, _: Any) -> None:
        items = self._items()
        self._push({})
        self._set_items(items)

    def _set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_items([key, value])

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Opaque):
            raise PickleError("extends what is no list")

    def _build(self, _: Any) -> None:
        self._stack.pop()  # attributes, such as `_metadata` of an OrderedDict
        if not self._stack:
            raise PickleDamagedError("is damaged")

    def _call(self, _: Any) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        if not isinstance(called, Global) or not isinstance(arguments, tuple):
            raise PickleError("calls what is no global")
        self._copied += sum(len(a) for a in arguments[:1] if isinstance(a, list | dict | tuple))
        if self._copied > MOST_OPCODES:
            raise PickleLimitError(f"copies more than {MOST_OPCODES} values")
        self._push(call(called, arguments))

    def _storage(self, _: Any) -> None:
        reference = self._stack.pop()
        if not isinstance(reference, tuple) or len(reference) not in (5, 6):
            raise PickleError("holds a reference to no storage")
        kind, named, key, _location, _count, *view = reference
        if kind != "storage" or not isinstance(key, str) or not isinstance(named, Global):
            raise PickleError("holds a reference to no storage")
        known = self._storages.setdefault(
            key, PickledStorage(key, named.dtype, untyped=named.name == "UntypedStorage")
        )
        if known.declared != named.dtype and named.dtype is not None:
            raise PickleError("has a storage of two dtypes")
        if view and view[0] is not None:
            raise PickleError("holds a view of a storage, as torch before 0.4 wrote it")
        self._push(known)


def _new(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine._push(make())


def _value(machine: _Machine, argument: Any) -> None:
    machine._push(argument)


def _nothing(machine: _Machine, argument: Any) -> None:
    """PROTO, FRAME and STOP, which `run` needs no step for."""


# The opcodes that torch.save writes, and their counterparts in protocol 4.
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _nothing),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _value),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"), _value),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES"), _value),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine._put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, n: m._push(m._memo[n])),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine._call),
    "NONE": _new(lambda: None),
    "NEWTRUE": _new(lambda: True),
    "NEWFALSE": _new(lambda: False),
    "EMPTY_DICT": _new(dict),
    "EMPTY_LIST": _new(list),
    "EMPTY_TUPLE": _new(tuple),
    "EMPTY_SET": _new(Opaque),
    "MARK": _Machine._mark,
    "POP": _Machine._drop,
    "POP_MARK": lambda m, _: m._drop_items(),
    "DUP": lambda m, _: m._push(m._stack[-1]),
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "BUILD": _Machine._build,
    "BINPERSID": _Machine._storage,
    "LIST": lambda m, _: m._push(m._items()),
    "TUPLE": lambda m, _: m._push(tuple(m._items())),
    "TUPLE1": lambda m, _: m._tuple_of(1),
    "TUPLE2": lambda m, _: m._tuple_of(2),
    "TUPLE3": lambda m, _: m._tuple_of(3),
    "SETITEM": _Machine._set_item,
    "SETITEMS": lambda m, _: m._set_items(m._items()),
    "DICT": _Machine._dict,
    "APPENDS": lambda m, _: m._extend(m._items()),
    "ADDITEMS": lambda m, _: m._extend(m._items()),
    "APPEND": lambda m, _: m._extend([m._stack.pop()]),
}
