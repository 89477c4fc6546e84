"""What `claims` returns: a row for each claim, with its figure and verdict or what it needs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from meadow_py.claims.claim import VERDICTS
from meadow_py.errors import FormatError

if TYPE_CHECKING:
    import pandas

VERSION = 1


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
    verdict: str | None
    command: str
    commit: str | None = None
    cpu: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Claims:
    """Published claims and their verdicts; made by `claims`.

    Attributes
    ----------
    rows : tuple of ClaimRow
        In the order of their sources.
    """

    rows: tuple[ClaimRow, ...]

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
        made = {verdict: sum(row.verdict == verdict for row in self.rows) for verdict in VERDICTS}
        return {**made, "no data": sum(row.verdict is None for row in self.rows)}

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow claims --json``."""
        return {
            "version": VERSION,
            "kind": "claims",
            "counts": self.counts(),
            "claims": [asdict(row) for row in self.rows],
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per claim. Needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Claims.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame([asdict(row) for row in self.rows])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them as JSON.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from meadow_py.files import write_whole

        write_whole(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Claims:
        """Read what `save` wrote.

        Raises
        ------
        FormatError
            If the file holds no claims, damaged ones, or those of a newer version.
        OSError
            If it cannot be read.
        """
        from meadow_py.profiler.serial import read_json

        return claims_from_json(read_json(path, "table of claims"), path)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.claims import claims_html

        return claims_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.claims import claims_text

        return claims_text(self)


def claims_from_json(data: Any, path: str | os.PathLike[str]) -> Claims:
    """Claims from the JSON types of a file; `path` is what messages call it."""
    if not isinstance(data, dict) or data.get("kind") != "claims":
        raise FormatError(f"{path}: not a table of claims: expected an object of kind 'claims'")
    if data.get("version") != VERSION:
        raise FormatError(
            f"{path}: claims version {data.get('version')!r}, this library reads version "
            f"{VERSION}: update meadow_py"
        )
    rows = data.get("claims")
    if not isinstance(rows, list):
        raise FormatError(f"{path}: damaged table of claims: expected an array of claims")
    return Claims(tuple(_row(one, n, path) for n, one in enumerate(rows)))


def _row(data: Any, place: int, path: str | os.PathLike[str]) -> ClaimRow:
    where = f"{path}: damaged table of claims: claims[{place}]"
    if not isinstance(data, dict):
        raise FormatError(f"{where}: expected an object")
    known = {}
    for field in fields(ClaimRow):
        if field.name not in data:
            raise FormatError(f"{where}: {field.name} is missing")
        value = data[field.name]
        if not _fits(value, str(field.type)):
            raise FormatError(f"{where}: {field.name} is {value!r}")
        known[field.name] = value
    row = ClaimRow(**known)
    if row.verdict not in (None, *VERDICTS) or (row.verdict is None) != (row.ours is None):
        raise FormatError(f"{where}: verdict {row.verdict!r} beside the figure {row.ours!r}")
    return row


def _fits(value: Any, annotation: str) -> bool:
    if value is None:
        return annotation.endswith("| None")
    if annotation.startswith("float"):
        return type(value) in (int, float) and math.isfinite(value)
    return isinstance(value, str)
