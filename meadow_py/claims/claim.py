"""A published claim: what a source says, what computes it again, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meadow_py.spelling import ratio

if TYPE_CHECKING:
    from meadow_py.claims.material import Material

Verdict = Literal["reproduced", "approximated", "refuted"]
REPRODUCED: Verdict = "reproduced"
APPROXIMATED: Verdict = "approximated"
REFUTED: Verdict = "refuted"
VERDICTS: tuple[Verdict, ...] = (REPRODUCED, APPROXIMATED, REFUTED)


class MissingData(Exception):  # noqa: N818
    """The material at hand does not decide a claim; the message says what would."""


@dataclass(frozen=True)
class Source:
    """Where claims are published.

    Attributes
    ----------
    name : str
        Its short name.
    title : str
    reference : str
        How to find it.
    read_from : str
        What its figures were read in, where that is not the source itself.
    """

    name: str
    title: str
    reference: str
    read_from: str = ""


@dataclass(frozen=True)
class Rule:
    """Which figure makes which verdict.

    Attributes
    ----------
    unit : str
        ``x``, ``%``, ``b/w``, ...; a figure in % is a share.
    reproduced, approximated : (float, float)
        Both ends belong to the range. A figure outside of both refutes the claim.
    """

    unit: str
    reproduced: tuple[float, float]
    approximated: tuple[float, float]

    def verdict(self, value: float, stands_in: bool) -> Verdict:
        """What a figure means; never more than approximated where something stands in."""
        if self.reproduced[0] <= value <= self.reproduced[1]:
            return APPROXIMATED if stands_in else REPRODUCED
        within = self.approximated[0] <= value <= self.approximated[1]
        return APPROXIMATED if within else REFUTED

    def spelled(self, value: float) -> str:
        """A figure with its unit."""
        if self.unit == "%":
            return f"{100 * value:.1f} %"
        return ratio(value) if self.unit == "x" else f"{value:.4g} {self.unit}".rstrip()

    def __str__(self) -> str:
        """The rule as a sentence."""
        return (
            f"reproduced {self._range(self.reproduced)}, approximated "
            f"{self._range(self.approximated)} or where something stands in, else refuted"
        )

    def _range(self, ends: tuple[float, float]) -> str:
        low, high = ends
        if math.isinf(high):
            return f"from {self.spelled(low)} on"
        if math.isinf(low):
            return f"up to {self.spelled(high)}"
        return f"from {self.spelled(low)} to {self.spelled(high)}"


def around(value: float, unit: str, within: float = 0.05, roughly: float = 0.15) -> Rule:
    """The published value, off by a share of itself at most."""
    close, wide = within * abs(value), roughly * abs(value)
    return Rule(unit, (value - close, value + close), (value - wide, value + wide))


def between(low: float, high: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published range; `roughly` beyond either end is an approximation."""
    return Rule(unit, (low, high), (low * (1 - roughly), high * (1 + roughly)))


def at_least(low: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published bound from below."""
    return Rule(unit, (low, math.inf), (low * (1 - roughly), math.inf))


def at_most(high: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published bound from above."""
    return Rule(unit, (-math.inf, high), (-math.inf, high * (1 + roughly)))


@dataclass(frozen=True)
class Figure:
    """What a claim's function found.

    Attributes
    ----------
    value : float
        What the rule judges.
    detail : str
        The figures around it, in a sentence.
    stands_in : str
        What was taken for something that the source does not give, or that is not at hand; empty
        where every input is the source's own.
    """

    value: float
    detail: str = ""
    stands_in: str = ""


@dataclass(frozen=True)
class Claim:
    """One published claim.

    Attributes
    ----------
    id : str
        What ``meadow claims --run`` takes.
    source : Source
    page : str
        Figure, table, section or page.
    claim : str
        What is claimed, in a sentence.
    published : str
        Its figure.
    needs : str
        The data without which there is no verdict.
    rule : Rule or None
        None where nothing computes it.
    compute : callable or None
        Takes a `Material`, returns a `Figure`, raises `MissingData`. None: no data at hand could
        decide it.
    """

    id: str
    source: Source
    page: str
    claim: str
    published: str
    needs: str
    rule: Rule | None = None
    compute: Callable[[Material], Figure] | None = None
