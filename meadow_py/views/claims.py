"""The words about claims, which terminal and HTML share: headline, record, details."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meadow_py.claims import ClaimRow, Claims

NO_DATA = "needs data"
READ = (
    "approximated also covers claims where something stands in for data that the source does not "
    "give or that is not available"
)


def headline(found: Claims) -> str:
    """``40 published claims: 1 reproduced, 28 approximated, 5 refuted, 6 without data``."""
    counts = found.counts()
    named = [f"{count} {verdict}" for verdict, count in counts.items() if verdict != "no data"]
    if counts["no data"]:
        named.append(f"{counts['no data']} without data")
    claims = "published claim" if len(found) == 1 else "published claims"
    return f"{len(found)} {claims}: {', '.join(named)}"


def by_source(found: Claims) -> Iterator[tuple[str, list[ClaimRow]]]:
    """Rows grouped by the name of their source."""
    for source, rows in groupby(found, key=lambda row: row.source):
        yield source, list(rows)


def record_lines(found: Claims) -> list[str]:
    """One line for each record: where and when its figures were made. No line for new figures."""
    records = dict.fromkeys(
        (row.commit, row.cpu, row.date) for row in found if row.verdict and row.commit
    )
    return [f"recorded {date} at commit {commit} on {cpu}" for commit, cpu, date in records]


def reading_lines(found: Claims) -> list[str]:
    """The sources whose figures were read in another place."""
    named = dict.fromkeys((row.source, row.read_from) for row in found if row.read_from)
    return [f"{source.partition(':')[0]}: figures as in {read}" for source, read in named]


def verdict(row: ClaimRow) -> str:
    """The verdict, or that data is missing."""
    return row.verdict or NO_DATA


def details(row: ClaimRow) -> list[tuple[str, str]]:
    """Everything known about a claim, as pairs of label and text."""
    listed = [
        ("claim", row.claim),
        ("source", f"{row.title}; {row.source.partition(': ')[2]}; {row.page}"),
        ("read in", row.read_from),
        ("published", row.published),
        ("ours", ". ".join(part for part in (row.ours, row.detail) if part)),
        ("verdict", row.verdict or ""),
        ("stands in", row.stands_in),
        ("rule", row.rule),
        ("needs", row.needs),
        ("command", row.command),
        ("recorded", f"{row.date}, commit {row.commit}, {row.cpu}" if row.commit else ""),
    ]
    return [(label, text) for label, text in listed if text]
