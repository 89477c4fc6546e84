"""Dataclasses to JSON types and back; every value is checked against its annotation."""

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

# Metadata of a field that is not stored in files.
NOT_STORED: Mapping[str, bool] = types.MappingProxyType({"stored": False})


@dataclass(frozen=True)
class Range:
    """The range of numbers that an annotated field may hold; None leaves an end open.

    Attributes
    ----------
    least, most : float or None
        Inclusive ends.
    above : float or None
        Exclusive lower end.
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

LARGEST = 2**63 - 1  # far above any count in a real result, and safe to compute with
Size = Annotated[int, Range(least=0, most=LARGEST)]
AtLeastOne = Annotated[int, Range(least=1, most=LARGEST)]

# Far outside anything measured; products and quotients of two such numbers are finite and not 0.
LEAST_MEASURED, MOST_MEASURED = 1e-100, 1e100
Measured = Annotated[float, Range(least=LEAST_MEASURED, most=MOST_MEASURED)]


class RecordError(ValueError):
    """A value that does not fit its annotation.

    Attributes
    ----------
    path : str
        Place of the value, such as ``prefill.layers[3].seconds``; empty for the whole record.
    reason : str
        The expected value and the value found. Where it begins with ``must``, it completes the
        sentence that the path begins.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason, self.path = reason, path

    def inside(self, key: str | int) -> RecordError:
        """The same error, with `key` put in front of its path."""
        step = f"[{key}]" if isinstance(key, int) else key
        joint = "" if not self.path or self.path.startswith("[") else "."
        self.path = f"{step}{joint}{self.path}"
        return self

    def __str__(self) -> str:
        if self.reason.startswith("must "):
            return f"{self.path or 'the value'} {self.reason}"
        return f"{self.path}: {self.reason}" if self.path else self.reason


def to_json_types(value: Any) -> Any:
    """Convert a dataclass, or anything made of dataclasses, to JSON types.

    Parameters
    ----------
    value : object
        Dataclasses become dicts, without the fields that are marked `NOT_STORED`; tuples become
        lists.

    Returns
    -------
    object
        Made of dict, list, str, int, float, bool and None.
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


def from_json_types(kind: type[_Record], value: Any, path: str = "") -> _Record:
    """Make a dataclass from JSON types.

    Keys that the dataclass does not have are ignored, since later versions add keys; missing keys
    get their default. A dataclass with a method ``parse`` may also be given as text. If it has a
    method ``check_record``, that is called to check it, and raises ValueError.

    Parameters
    ----------
    kind : type
        A dataclass, or another type that annotations may hold. These are int, float (finite), str,
        bool, None, Literal, tuples, dicts with str keys, unions, other dataclasses, and `Range` in
        ``Annotated``.
    value : object
        JSON types, as a JSON reader returns them.
    path : str
        Place of `value` in what was read, for messages.

    Returns
    -------
    kind
        An instance of the dataclass.

    Raises
    ------
    RecordError
        If a value does not fit; it holds the path of the first one.
    """
    convert: Callable[[Any], _Record] = converter(kind)  # type: ignore[arg-type]  # is hashable
    try:
        return convert(value)
    except RecordError as wrong:
        raise (wrong.inside(path) if path else wrong) from None


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
    raise RecordError(f"must be an integer, not {_found(value)}")


def _float(value: Any) -> float:
    # An integer stays an integer, so that it is written the same way when saved again.
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return value
    raise RecordError(f"must be a finite number, not {_found(value)}")


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise RecordError(f"must be text, not {_found(value)}")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise RecordError(f"must be true or false, not {_found(value)}")


_PLAIN: dict[Any, _Convert] = {int: _int, float: _float, str: _str, bool: _bool}


def _within(convert: _Convert, ranges: list[Range]) -> _Convert:
    def checked(value: Any) -> Any:
        made = convert(value)
        for allowed in ranges:
            if made not in allowed:
                raise RecordError(f"must be a number {allowed}, not {_found(made)}")
        return made

    return checked


def _union(kinds: tuple[Any, ...]) -> _Convert:
    optional = type(None) in kinds
    converters = [converter(kind) for kind in kinds if kind is not type(None)]

    def convert(value: Any) -> Any:
        if value is None and optional:
            return None
        error = RecordError(f"must be a value, not {_found(value)}")
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
    raise RecordError(f"must be one of {', '.join(map(str, allowed))}, not {_found(value)}")


def _tuple(inside: tuple[Any, ...]) -> _Convert:
    open_ended = len(inside) == 2 and inside[1] is Ellipsis
    converters = [converter(kind) for kind in inside if kind is not Ellipsis]

    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise RecordError(f"must be a list, not {_found(value)}")
        if not open_ended and len(value) != len(converters):
            raise RecordError(f"must be a list of {len(converters)} values, not {_found(value)}")
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
        raise RecordError(f"must be an object, not {_found(value)}")
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
    """Makes a dataclass from JSON types. Its annotations are resolved on first use."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    @functools.cached_property
    def parts(self) -> list[tuple[str, _Convert, bool]]:
        """For every stored field: its name, its converter and whether it is required."""
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
            raise RecordError(f"must be an object, not {_found(value)}")
        made = {}
        for name, convert, needed in self.parts:
            if name not in value:
                if needed:
                    raise RecordError(f"must have the key {name!r}, which is missing")
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
        except RecordError:
            raise
        except (TypeError, ValueError) as error:  # from its own checks
            raise RecordError(str(error)) from error
