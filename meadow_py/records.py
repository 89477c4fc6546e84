"""Dataclasses as JSON types and back; every value is checked against its annotation."""

from __future__ import annotations

import functools
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, TypeVar

_Record = TypeVar("_Record")
_Convert = Callable[[Any], Any]

# Metadata of a field that files do not hold.
NOT_STORED: Mapping[str, bool] = types.MappingProxyType({"stored": False})


@dataclass(frozen=True)
class Range:
    """The numbers that an annotated field may hold; None leaves an end open.

    Attributes
    ----------
    least, most : float or None
        Both are allowed.
    above : float or None
        Not allowed itself.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
        )

    def __str__(self) -> str:
        ends = []
        if self.above is not None:
            ends.append(f"above {self.above:g}")
        if self.least is not None:
            ends.append(f"at least {self.least:g}")
        if self.most is not None:
            ends.append(f"at most {self.most:g}")
        return " and ".join(ends)


Count = Annotated[int, Range(least=0)]
Positive = Annotated[float, Range(above=0)]
NonNegative = Annotated[float, Range(least=0)]


class RecordError(ValueError):
    """A value that does not fit its annotation.

    Attributes
    ----------
    path : str
        Where it is, such as ``prefill.layers[3].seconds``; empty for the whole record.
    reason : str
        What was expected, and what was found.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason, self.path = reason, ""

    def inside(self, key: str | int) -> RecordError:
        """The same error, seen from one level further out."""
        step = f"[{key}]" if isinstance(key, int) else key
        joint = "" if not self.path or self.path.startswith("[") else "."
        self.path = f"{step}{joint}{self.path}"
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def to_json_types(value: Any) -> Any:
    """A dataclass, or anything made of dataclasses, as JSON types: objects, lists and plain values.

    Parameters
    ----------
    value : object
        Tuples become lists; fields that are marked `NOT_STORED` are left out.

    Returns
    -------
    object
        Of dict, list, str, int, float, bool and None.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json_types(getattr(value, field.name))
            for field in fields(value)
            if _is_stored(field)
        }
    if isinstance(value, Mapping):
        return {str(key): to_json_types(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_types(held) for held in value]
    return value


def from_json_types(kind: type[_Record], value: Any) -> _Record:
    """A dataclass from JSON types.

    Keys that the dataclass does not have are left out, since later versions add keys; missing ones
    get their default. A dataclass with a method ``parse`` may also be spelled as text. One with a
    method ``check_record`` is asked to check itself: it raises a ValueError.

    Parameters
    ----------
    kind : type
        A dataclass. Its annotations may hold int, float (finite), str, bool, None, Literal, tuples,
        dicts with str keys, unions, other dataclasses, and `Range` in ``Annotated``.
    value : object
        What a JSON reader gives.

    Returns
    -------
    kind

    Raises
    ------
    RecordError
        With the path of the first value that does not fit.
    """
    convert: Callable[[Any], _Record] = converter(kind)  # type: ignore[arg-type]  # is hashable
    return convert(value)


@functools.cache
def converter(kind: Any) -> _Convert:
    """A function that makes a value of an annotated type from JSON types."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda value: value
    if origin is Annotated:
        ranges = [one for one in inside[1:] if isinstance(one, Range)]
        return _within(converter(inside[0]), ranges)
    if origin in (typing.Union, types.UnionType):
        return _union(inside)
    if origin is typing.Literal:
        return functools.partial(_one_of, inside)
    if origin is tuple:
        return _tuple(inside)
    if origin in (dict, Mapping):
        return functools.partial(_dict, converter(inside[1]))
    if is_dataclass(kind) and isinstance(kind, type):
        return _RecordConverter(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    raise TypeError(f"{kind!r}: no record may hold it")


def _found(value: Any) -> str:
    return reprlib.repr(value)


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise RecordError(f"expected an integer, found {_found(value)}")


def _float(value: Any) -> float:
    # An integer stays one, so that what is saved again reads the same.
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return value
    raise RecordError(f"expected a finite number, found {_found(value)}")


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise RecordError(f"expected text, found {_found(value)}")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise RecordError(f"expected true or false, found {_found(value)}")


_PLAIN: dict[Any, _Convert] = {int: _int, float: _float, str: _str, bool: _bool}


def _within(convert: _Convert, ranges: list[Range]) -> _Convert:
    def checked(value: Any) -> Any:
        made = convert(value)
        for allowed in ranges:
            if made not in allowed:
                raise RecordError(f"expected a number {allowed}, found {_found(made)}")
        return made

    return checked


def _union(kinds: tuple[Any, ...]) -> _Convert:
    optional = type(None) in kinds
    converters = [converter(kind) for kind in kinds if kind is not type(None)]

    def convert(value: Any) -> Any:
        if value is None and optional:
            return None
        error = RecordError(f"expected a value, found {_found(value)}")
        for one in converters:
            try:
                return one(value)
            except RecordError as wrong:
                error = wrong
        raise error

    return convert


def _one_of(allowed: tuple[Any, ...], value: Any) -> Any:
    if any(value == one and type(value) is type(one) for one in allowed):
        return value
    raise RecordError(f"expected one of {', '.join(map(str, allowed))}, found {_found(value)}")


def _tuple(inside: tuple[Any, ...]) -> _Convert:
    open_ended = len(inside) == 2 and inside[1] is Ellipsis
    converters = [converter(kind) for kind in inside if kind is not Ellipsis]

    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise RecordError(f"expected a list, found {_found(value)}")
        if not open_ended and len(value) != len(converters):
            raise RecordError(f"expected a list of {len(converters)}, found {_found(value)}")
        made = []
        for n, held in enumerate(value):
            try:
                made.append(converters[0 if open_ended else n](held))
            except RecordError as wrong:
                raise wrong.inside(n) from None
        return tuple(made)

    return convert


def _dict(convert: _Convert, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise RecordError(f"expected an object, found {_found(value)}")
    made = {}
    for key, held in value.items():
        try:
            made[_str(key)] = convert(held)
        except RecordError as wrong:
            raise wrong.inside(str(key)) from None
    return made


def _is_stored(field: Field[Any]) -> bool:
    return field.metadata.get("stored", True) is not False


class _RecordConverter:
    """Makes a dataclass. Its annotations are looked up on first use."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    @functools.cached_property
    def parts(self) -> list[tuple[str, _Convert, bool]]:
        """Name, converter and whether it must be there, of every stored field."""
        hints = typing.get_type_hints(self.kind, include_extras=True)
        return [
            (
                field.name,
                converter(hints[field.name]),
                field.default is MISSING and field.default_factory is MISSING,
            )
            for field in fields(self.kind)
            if field.init and _is_stored(field)
        ]

    def __call__(self, value: Any) -> Any:
        parse = getattr(self.kind, "parse", None)
        if parse is not None and isinstance(value, str):
            return self._made(lambda: parse(value))
        if not isinstance(value, Mapping):
            raise RecordError(f"expected an object, found {_found(value)}")
        made = {}
        for name, convert, needed in self.parts:
            if name not in value:
                if needed:
                    raise RecordError(f"no {name!r} in it")
                continue
            try:
                made[name] = convert(value[name])
            except RecordError as wrong:
                raise wrong.inside(name) from None
        return self._made(lambda: self.kind(**made))

    def _made(self, make: Callable[[], Any]) -> Any:
        try:
            made = make()
            if hasattr(made, "check_record"):
                made.check_record()
            return made
        except (TypeError, ValueError) as error:  # of its own checks
            raise RecordError(str(error)) from error
