"""A number with its source, and with a range where sources disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

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
            raise ValueError("source is empty: expected where the number is from")

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
