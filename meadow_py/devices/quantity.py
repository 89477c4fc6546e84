"""A number with its source, and with a range where sources disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

KINDS = ("specified", "measured", "derived", "assumed")


@dataclass(frozen=True)
class Quantity:
    """A number that says where it is from.

    Attributes
    ----------
    value : float
        In SI base units: bytes, bytes/s, operations/s, hertz, watts, joules, seconds.
    low, high : float
        The range of the sources, ``low <= value <= high``; equal to `value` where there is one.
    source : str
        Title, date and page; for what is derived how, for what is assumed why.
    kind : str
        ``specified`` by a maker, ``measured``, ``derived`` from such by arithmetic, or ``assumed``
        where no source gives it.

    Raises
    ------
    ValueError
        If a number is negative or not finite, if they are not in order, or for an unknown kind.
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
        """What a caller sets: an assumption without a range."""
        return cls(value, value, value, source, "assumed")

    def times(self, factor: float) -> Quantity:
        """The same number in another unit, or of `factor` such parts."""
        return Quantity(
            self.value * factor, self.low * factor, self.high * factor, self.source, self.kind
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(vars(self))
