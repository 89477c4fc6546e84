"""The result of `claims`: for each claim a row with its figure and verdict, or what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from meadow_py.claims.claim import VERDICTS
from meadow_py.records import from_json_types, to_json_types
from meadow_py.results import Result


@dataclass(frozen=True)
class ClaimRow:
    """One claim and its result.

    Attributes
    ----------
    id, source, title, page, claim, published : str
        As in the claim; `source` is the short name of its source and how to find it.
    read_from : str
        The text from which its figures were taken, if that is not the source itself.
    rule : str
        The figures that lead to each verdict.
    needs : str
        The data that the claim needs.
    ours : str or None
        The figure that is judged, with its unit; None if there is no verdict.
    value : float or None
        The same figure as a number.
    detail, stands_in : str
        Related figures, and what stands in for data of the source.
    verdict : str or None
        ``reproduced``, ``approximated`` or ``refuted``; None if data is missing.
    command : str
        The command that computes the claim.
    commit, cpu, date : str or None
        Commit, CPU and date of a recorded result; None for one that was computed just now.
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
        """Check that a verdict and its figure go together.

        Raises
        ------
        ValueError
            If they do not.
        """
        if (self.verdict is None) != (self.ours is None) or (self.ours is None) != (
            self.value is None
        ):
            raise ValueError(f"verdict {self.verdict!r} does not fit the figure {self.ours!r}")


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
        """Iterate over the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, claim: str) -> ClaimRow:
        """The row with this id.

        Returns
        -------
        ClaimRow

        Raises
        ------
        KeyError
            If no row has this id.
        """
        for row in self.rows:
            if row.id == claim:
                return row
        raise KeyError(claim)

    def counts(self) -> dict[str, int]:
        """Number of rows by verdict, with ``no data`` for rows without a verdict.

        Returns
        -------
        dict of str to int
        """
        made: dict[str, int] = {}
        for verdict in VERDICTS:
            made[verdict] = sum(row.verdict == verdict for row in self.rows)
        return {**made, "no data": sum(row.verdict is None for row in self.rows)}

    def to_dict(self) -> dict[str, Any]:
        """Convert the claims to JSON types: the contract of ``meadow claims --json``.

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
        """One row per claim.

        Returns
        -------
        list of dict
        """
        return [asdict(row) for row in self.rows]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Claims:
        """Restore claims from the output of `to_dict`; see `Result.from_dict`.

        Returns
        -------
        Claims
        """
        return cls(from_json_types(_Rows, {"claims": data["claims"]}).claims)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.claims import claims_html

        return claims_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.claims import claims_text

        return claims_text(self)


@dataclass(frozen=True)
class _Rows:
    """The part of a file that is read; the counts follow from it."""

    claims: tuple[ClaimRow, ...]
