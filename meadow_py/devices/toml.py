"""Reading of TOML files with every key checked; errors name the file, key, value and reason."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from meadow_py.devices.quantity import KINDS, Quantity, in_base_units
from meadow_py.errors import FormatError

_MOST_BYTES = 1 << 20  # a device file has a few kilobytes
_PLAIN = ("count", "share")  # dimensions whose numbers need no unit
_SHOWN = 80
_DEPTH = 8  # most levels of a table that is "like" one that is itself "like" another
VERSION = 1


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the tables of a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    meadow_py.FormatError
        If the file is not valid TOML.
    """
    with Path(path).open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise FormatError(f"{path}: larger than {_MOST_BYTES} bytes: not a device file")
    try:
        tables: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError also for text that is not UTF-8
        raise FormatError(f"{path}: not a TOML file: {error}") from None
    return tables


class Table:
    """One table of a file. Its reader calls `done` at the end, which refuses unread keys."""

    def __init__(self, path: str, place: str, values: Any, sources: dict[str, str]) -> None:
        self.path, self._place, self.sources = path, place, sources
        if not isinstance(values, dict):
            self.refuse("", values, "expected a table")
        self._values: dict[str, Any] = values
        self._read: set[str] = set()

    def refuse(self, key: str, value: Any, reason: str) -> NoReturn:
        """Raise FormatError with file, key, value and reason."""
        where = ".".join(part for part in (self._place, key) if part)
        shown = repr(value)
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
        raise FormatError(f"{self.path}: {where} = {shown}: {reason}")

    def missing(self, key: str) -> NoReturn:
        """Raise FormatError for a required key that is missing."""
        where = ".".join(part for part in (self._place, key) if part)
        raise FormatError(f"{self.path}: {where}: missing")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def raw(self, key: str) -> Any:
        """The value of the key, unchecked."""
        self._read.add(key)
        if key not in self._values:
            self.missing(key)
        return self._values[key]

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        if default is not None and key not in self:
            return default
        value = self.raw(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, value, "expected text")
        return str(value).strip()

    def integer(self, key: str, least: int = 1, most: int = 1 << 40) -> int:
        """A whole number within a range."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, value, "expected a whole number")
        if not least <= value <= most:
            self.refuse(key, value, f"expected {least} to {most}")
        return int(value)

    def table(self, key: str) -> Table:
        """A table within this one."""
        place = ".".join(part for part in (self._place, key) if part)
        return Table(self.path, place, self.raw(key), self.sources)

    def within(self, name: str, values: Any) -> Table:
        """A table reported as `name`, with the given values, which may come from elsewhere."""
        self._read.add(name)
        return Table(self.path, f"{self._place}.{name}".lstrip("."), values, self.sources)

    def size(self, key: str) -> int:
        """Bytes, as a number with a unit."""
        return round(self._number(key, "bytes", False))

    def tables(self, key: str) -> list[Table]:
        """An array of tables, empty if the key is missing."""
        if key not in self:
            return []
        value = self.raw(key)
        if not isinstance(value, list):
            self.refuse(key, value, "expected an array of tables")
        return [
            Table(self.path, f"{self._place}.{key}[{at}]".lstrip("."), item, self.sources)
            for at, item in enumerate(value)
        ]

    def all_keys(self) -> Iterable[str]:
        """All keys, in the order of the file."""
        return self._values.keys()

    def done(self) -> None:
        """Refuse keys that were not read."""
        for key, value in self._values.items():
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                self.refuse(key, value, f"unknown key; the keys here are {known}")

    def optional(self, key: str, dimension: str, *, zero: bool = False) -> Quantity | None:
        """A quantity, or None if the key is missing."""
        if key in self:
            return self.quantity(key, dimension, zero=zero)
        self._read.add(key)
        return None

    def quantity(self, key: str, dimension: str, *, zero: bool = False) -> Quantity:
        """A quantity ``{ value, low, high, source, kind, reason }``, with numbers in `dimension`.

        Parameters
        ----------
        key : str
        dimension : str
            A key of `UNITS`, or ``count``.
        zero : bool
            Whether 0 is allowed.
        """
        table = self.table(key)
        value = table._number("value", dimension, zero)
        low, high = (
            table._number(name, dimension, zero) if name in table else value
            for name in ("low", "high")
        )
        if not low <= value <= high:
            table.refuse("value", table.raw("value"), _disorder(table._values))
        kind = table.text("kind")
        if kind not in KINDS:
            table.refuse("kind", kind, f"expected one of {', '.join(KINDS)}")
        made = Quantity(value, low, high, table._source(kind), kind)
        table._read |= {"low", "high", "source", "reason"}
        table.done()
        return made

    def _number(self, key: str, dimension: str, zero: bool) -> float:
        value = self.raw(key)
        number = self._share_or_count(key, value, dimension)
        if number is None:
            if not isinstance(value, str):
                reason = f"expected text with a number and a unit of {dimension}"
                self.refuse(key, value, reason)
            try:
                number = in_base_units(value, dimension)
            except ValueError as error:
                self.refuse(key, value, str(error))
        if number < 0 or (number == 0 and not zero):
            self.refuse(key, value, "expected more than 0" if not zero else "expected 0 or more")
        if dimension == "share" and number > 1:
            self.refuse(key, value, "expected a share of at most 1 (100 %)")
        return number

    def _share_or_count(self, key: str, value: Any, dimension: str) -> float | None:
        if dimension not in _PLAIN or isinstance(value, str):
            return None if dimension != "count" else self.refuse(key, value, "expected a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, value, "expected a number")
        try:
            number = float(value)
        except OverflowError:
            self.refuse(key, value, "the number is too large")
        if not -float("inf") < number < float("inf"):
            self.refuse(key, value, "expected a finite number")
        return number

    def _source(self, kind: str) -> str:
        """Title and reason. An assumed number needs a reason, any other needs a source."""
        if kind == "assumed" or "source" not in self:
            if kind not in ("assumed", "derived"):
                self.missing("source")
            return self.text("reason")
        key = self.text("source")
        if key not in self.sources:
            known = ", ".join(self.sources) or "none"
            self.refuse("source", key, f"no such entry in [sources], which has {known}")
        reason = self.text("reason") if "reason" in self else ""
        return f"{self.sources[key]}: {reason}" if reason else self.sources[key]


def start(
    path: str | os.PathLike[str], tables: dict[str, Any], kind: str
) -> tuple[dict[str, Any], Table]:
    """The tables ``[kind.NAME]`` of a file, raw and as a `Table`; all other keys are checked."""
    top = Table(str(path), "", tables, {})
    version = top.integer("version", 0)
    if version != VERSION:
        top.refuse(
            "version",
            version,
            f"expected {VERSION}; other versions need another release of meadow_py",
        )
    sources = top.table("sources") if "sources" in top else None
    titles = {} if sources is None else {key: sources.text(key) for key in sources.all_keys()}
    raw = top.raw(kind)
    top.done()
    names = Table(str(path), kind, raw, titles)
    if not raw:
        top.refuse(kind, raw, f"expected at least one table [{kind}.NAME]")
    return raw, names


def inherited(top: Table, raw: dict[str, Any], name: str, depth: int = 0) -> dict[str, Any]:
    """The keys of a table, which override those of the table that it is ``like``."""
    own = raw[name]
    if not isinstance(own, dict):
        top.refuse(name, own, "expected a table")
    if "like" not in own:
        return dict(own)
    like = own["like"]
    if not isinstance(like, str) or like not in raw:
        top.refuse(f"{name}.like", like, f"expected a name of this file: {', '.join(raw)}")
    if depth >= _DEPTH or like == name:
        top.refuse(f"{name}.like", like, "expected no circle of tables that are like each other")
    base = inherited(top, raw, like, depth + 1)
    return _merged(base, {key: value for key, value in own.items() if key != "like"})


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Tables of tables are merged; a quantity, which is one number, is replaced as a whole."""
    merged = dict(base)
    for key, value in own.items():
        old = base.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and "value" not in old:
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def _disorder(values: dict[str, Any]) -> str:
    low, high = values.get("low", "value"), values.get("high", "value")
    return f"expected low <= value <= high, found low {low!r} and high {high!r}"
