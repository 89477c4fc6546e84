"""A number with its source, its range where sources disagree, and its unit.

Only the case of one letter tells bits from bytes, so ambiguous spellings are refused rather than
guessed: ``12 Gb/s`` is 1.5e9 bytes per second, ``12 GB/s`` eight times that.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_DECIMAL = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_SMALL = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}


def _with(prefixes: dict[str, float], unit: str, one: float = 1.0) -> dict[str, float]:
    return {prefix + unit: factor * one for prefix, factor in prefixes.items()}


def _sizes(after: str, bit_names: tuple[str, ...]) -> dict[str, float]:
    """Units of bytes, and of bits as eighths of a byte, with a suffix such as ``/s``."""
    prefixes = _DECIMAL | _BINARY
    bits = {
        name: factor for bit in bit_names for name, factor in _with(prefixes, bit, 0.125).items()
    }
    return {name + after: factor for name, factor in (_with(prefixes, "B") | bits).items()}


UNITS: dict[str, dict[str, float]] = {
    "bytes": _sizes("", ("b", "bit")),
    "bytes/s": _sizes("/s", ("b", "bit")) | _with(_DECIMAL, "bps", 0.125),
    "operations/s": _with(_DECIMAL, "OPS") | _with(_DECIMAL, "FLOPS") | _with(_DECIMAL, "op/s"),
    "hertz": _with(_DECIMAL, "Hz"),
    "watts": _with(_SMALL | {"k": 1e3}, "W"),
    "seconds": _with(_SMALL, "s"),
    "joules": _with(_SMALL, "J"),
    "joules/bit": _with(_SMALL, "J/bit") | _with(_SMALL, "J/B", 0.125),
    "share": {"%": 0.01},
}
UNITS["bytes/s"] |= {"Gbps": 0.125e9, "Mbps": 0.125e6}
_EXAMPLES = {
    "bytes": "8 GiB, 512 KiB or 32.1 Mb (bits)",
    "bytes/s": "17.1 GB/s (bytes) or 12 Gb/s (bits)",
    "operations/s": "4 TOPS or 150 GFLOPS",
    "hertz": "100 MHz",
    "watts": "5.5 W",
    "seconds": "3 ms",
    "joules": "0.2 pJ",
    "joules/bit": "8 pJ/bit",
    "share": "70 %",
}
_LONGEST = 64  # longer text is not a number from a data sheet
_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\S*)\s*")


def in_base_units(text: str, dimension: str) -> float:
    """Convert a number with its unit to the base unit of `dimension`.

    Parameters
    ----------
    text : str
        A number and its unit, such as ``12 Gb/s``; the space is optional.
    dimension : str
        A key of `UNITS`, such as ``bytes/s``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the text is not a number, or its unit is missing, unknown or ambiguous.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"expected a number with a unit, such as {_EXAMPLES[dimension]}")
    number, unit = match[1].replace("_", "").replace(",", ""), match[2]
    if not unit:
        raise ValueError(f"the unit is missing; expected one as in {_EXAMPLES[dimension]}")
    factor = UNITS[dimension].get(unit)
    if factor is None:
        raise ValueError(_why_not(unit, dimension))
    try:
        return float(Fraction(number) * Fraction(repr(factor)))  # exact: 17.06 GB/s is 17060000000
    except OverflowError:
        raise ValueError("the number is too large") from None


def _why_not(unit: str, dimension: str) -> str:
    bare = unit.removesuffix("/s")
    if bare == "KB":
        return f"the unit {unit} is ambiguous: write kB (1000 bytes) or KiB (1024 bytes)"
    if bare in {"gb", "mb", "kb", "Kb", "gB", "mB", "GBps", "MBps"} and "byte" in dimension:
        return (
            f"the unit {unit} is unknown, or leaves open whether bits or bytes are meant; expected "
            f"one as in {_EXAMPLES[dimension]}"
        )
    other = next((name for name, units in UNITS.items() if unit in units), None)
    if other is not None:
        reason = f"{unit} is a unit of {other}, not of {dimension}"
        return f"{reason}; expected one as in {_EXAMPLES[dimension]}"
    return f"unknown unit {unit}; expected one as in {_EXAMPLES[dimension]}"


def parse_bandwidth(text: str) -> float:
    """Convert a bandwidth such as ``12Gb/s`` (1.5e9) or ``12GB/s`` (12e9) to bytes per second.

    Parameters
    ----------
    text : str
        A number with its unit. ``Gb/s`` and ``Gbps`` are giga*bits*, ``GB/s`` is gigabytes.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the number is missing or not positive, or the unit is missing, unknown or ambiguous.
    """
    try:
        value = in_base_units(text, "bytes/s")
    except ValueError as error:
        raise ValueError(f"bandwidth={text!r}: {error}") from None
    if value <= 0:
        raise ValueError(f"bandwidth={text!r}: expected more than 0")
    return value


KINDS = ("specified", "measured", "derived", "assumed")


@dataclass(frozen=True)
class Quantity:
    """A number that says where it comes from.

    Attributes
    ----------
    value : float
        In SI base units: bytes, bytes/s, operations/s, hertz, watts, joules, seconds.
    low, high : float
        Range of the sources, ``low <= value <= high``; both equal `value` if there is no range.
    source : str
        Title, date and page. For a derived number, how it was derived; for an assumed one, why.
    kind : str
        ``specified`` by a maker, ``measured``, ``derived`` from such numbers by arithmetic, or
        ``assumed`` if no source gives it.

    Raises
    ------
    ValueError
        If a number is negative or not finite, if the numbers are not in order, or if the kind is
        unknown.
    """

    value: float
    low: float
    high: float
    source: str
    kind: str

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if not math.isfinite(number) or number < 0:
                raise ValueError(f"{name} is {number!r}: expected a finite number, 0 or more")
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"expected low <= value <= high, found {self.low:g}, {self.value:g}, {self.high:g}"
            )
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}: expected one of {', '.join(KINDS)}")
        if not self.source:
            raise ValueError("source is empty: expected the origin of the number")

    @classmethod
    def given(cls, value: float, source: str = "given by the caller") -> Quantity:
        """A value that a caller sets: an assumption without a range.

        Returns
        -------
        Quantity
        """
        return cls(value, value, value, source, "assumed")

    def times(self, factor: float) -> Quantity:
        """The same number in another unit, or for `factor` such parts.

        Returns
        -------
        Quantity
        """
        return Quantity(
            self.value * factor, self.low * factor, self.high * factor, self.source, self.kind
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert the number to JSON types.

        Returns
        -------
        dict
        """
        return dict(vars(self))
