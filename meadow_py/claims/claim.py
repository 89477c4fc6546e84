"""A published claim: what a source says, how it is computed again, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meadow_py.names import moved
from meadow_py.spelling import ratio

if TYPE_CHECKING:
    from meadow_py.claims.material import Material

Verdict = Literal["reproduced", "approximated", "refuted"]
REPRODUCED: Verdict = "reproduced"
APPROXIMATED: Verdict = "approximated"
REFUTED: Verdict = "refuted"
VERDICTS: tuple[Verdict, ...] = (REPRODUCED, APPROXIMATED, REFUTED)


class MissingData(Exception):  # noqa: N818
    """Raised if the material at hand cannot decide a claim; the message says what could."""


@dataclass(frozen=True)
class Publication:
    """Where claims are published.

    Attributes
    ----------
    name : str
        Its short name.
    title : str
    reference : str
        How to find it.
    read_from : str
        The text from which its figures were taken, if that is not the source itself.
    """

    name: str
    title: str
    reference: str
    read_from: str = ""


@dataclass(frozen=True)
class Rule:
    """The ranges of figures that lead to each verdict.

    Attributes
    ----------
    unit : str
        ``x``, ``%``, ``b/w``, ...; a figure in % is stored as a share.
    reproduced, approximated : (float, float)
        Ranges that include both ends. A figure outside of both refutes the claim.
    """

    unit: str
    reproduced: tuple[float, float]
    approximated: tuple[float, float]

    def verdict(self, value: float, stands_in: bool) -> Verdict:
        """The verdict on a figure; at best approximated if something stands in for an input.

        Returns
        -------
        Verdict
        """
        if self.reproduced[0] <= value <= self.reproduced[1]:
            return APPROXIMATED if stands_in else REPRODUCED
        within = self.approximated[0] <= value <= self.approximated[1]
        return APPROXIMATED if within else REFUTED

    def spelled(self, value: float) -> str:
        """A figure with its unit.

        Returns
        -------
        str
        """
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
    """A published value: reproduced within a share of it, approximated within a larger one.

    Returns
    -------
    Rule
    """
    close, wide = within * abs(value), roughly * abs(value)
    return Rule(unit, (value - close, value + close), (value - wide, value + wide))


def between(low: float, high: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published range; a share `roughly` beyond either end counts as approximated.

    Returns
    -------
    Rule
    """
    return Rule(unit, (low, high), (low * (1 - roughly), high * (1 + roughly)))


def at_least(low: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published lower bound.

    Returns
    -------
    Rule
    """
    return Rule(unit, (low, math.inf), (low * (1 - roughly), math.inf))


def at_most(high: float, unit: str, roughly: float = 0.1) -> Rule:
    """A published upper bound.

    Returns
    -------
    Rule
    """
    return Rule(unit, (-math.inf, high), (-math.inf, high * (1 + roughly)))


@dataclass(frozen=True)
class Figure:
    """The result of a claim's function.

    Attributes
    ----------
    value : float
        The figure that the rule judges.
    detail : str
        Related figures, in a sentence.
    stands_in : str
        The input that replaces one that the source does not give, or that is not at hand; empty
        if every input is the source's own.
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
        The id that ``meadow claims --run`` takes.
    source : Publication
    page : str
        Figure, table, section or page.
    claim : str
        The claim, in a sentence.
    published : str
        The published figure.
    needs : str
        The data without which there is no verdict.
    rule : Rule or None
        None if nothing computes the claim.
    compute : callable or None
        Takes a `Material`, returns a `Figure`, raises `MissingData`. None if no data at hand could
        decide the claim.
    """

    id: str
    source: Publication
    page: str
    claim: str
    published: str
    needs: str
    rule: Rule | None = None
    compute: Callable[[Material], Figure] | None = None


__getattr__ = moved(__name__, {"Source": f"{__name__}.Publication"})
