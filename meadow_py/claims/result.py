"""What `claims` returns: a row for each claim, with its figure and verdict or what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from meadow_py.claims.claim import VERDICTS
from meadow_py.records import from_json_types, to_json_types
from meadow_py.results import Result


@dataclass(frozen=True)
class ClaimRow:
    """One claim, and what was found.

    Attributes
    ----------
    id, source, title, page, claim, published : str
        As of the claim; `source` is the short name of its source and how to find it.
    read_from : str
        What its figures were read in, where that is not the source itself.
    rule : str
        Which figure makes which verdict.
    needs : str
        The data that it needs.
    ours : str or None
        The figure that is judged, with its unit; None without a verdict.
    value : float or None
        The same as a number.
    detail, stands_in : str
        Figures around it; what stands in for data of the source.
    verdict : str or None
        ``reproduced``, ``approximated``, ``refuted``; None where its data is missing.
    command : str
        What computes it.
    commit, cpu, date : str or None
        Of the record; None for what was computed just now.
    """

    id: str
    source: str
    title: str
    page: str
    claim: str
    published: str
    read_from: str
    rule: str
    needs: str
    ours: str | None
    value: float | None
    detail: str
    stands_in: str
    verdict: Literal["reproduced", "approximated", "refuted"] | None
    command: str
    commit: str | None = None
    cpu: str | None = None
    date: str | None = None

    def check_record(self) -> None:
        """Raise ValueError where a verdict and its figure do not go together.

        Raises
        ------
        ValueError
        """
        if (self.verdict is None) != (self.ours is None) or (self.ours is None) != (
            self.value is None
        ):
            raise ValueError(f"verdict {self.verdict!r} beside the figure {self.ours!r}")


@dataclass(frozen=True, repr=False)
class Claims(Result):
    """Published claims and their verdicts; made by `claims`.

    Attributes
    ----------
    rows : tuple of ClaimRow
        In the order of their sources.
    """

    rows: tuple[ClaimRow, ...]

    KIND: ClassVar[str] = "claims"
    MARKS: ClassVar[tuple[str, ...]] = ("claims",)
    AGAIN: ClassVar[str] = "run meadow claims again"

    def __iter__(self) -> Iterator[ClaimRow]:
        """The rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)

    def __getitem__(self, claim: str) -> ClaimRow:
        """The row of an id.

        Raises
        ------
        KeyError
            If no row has it.
        """
        for row in self.rows:
            if row.id == claim:
                return row
        raise KeyError(claim)

    def counts(self) -> dict[str, int]:
        """Rows by verdict, and those without one under ``no data``."""
        made: dict[str, int] = {}
        for verdict in VERDICTS:
            made[verdict] = sum(row.verdict == verdict for row in self.rows)
        return {**made, "no data": sum(row.verdict is None for row in self.rows)}

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow claims --json``.

        Returns
        -------
        dict
        """
        return {
            "version": self.VERSION,
            "kind": self.KIND,
            "counts": self.counts(),
            "claims": to_json_types(self.rows),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """One row per claim."""
        return [asdict(row) for row in self.rows]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Claims:
        """The claims from what `to_dict` gave; see `Result.from_dict`."""
        return cls(from_json_types(_Rows, {"claims": data["claims"]}).claims)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.claims import claims_html

        return claims_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.claims import claims_text

        return claims_text(self)


@dataclass(frozen=True)
class _Rows:
    """What of a file is read: the counts follow from it."""

    claims: tuple[ClaimRow, ...]
