"""Computes every published claim again, and records it for the package and for docs/claims.md.

    MEADOW_TEST_DATA=FOLDER python benchmarks/claims.py

Weights: attention of GPT-2 and of GPT-Neo-125M. The working tree must be committed, since each row
names the commit that it was run at. Only --page: writes the page from what is recorded already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from common import test_data

import meadow_py as mp
from meadow_py.claims.registry import recorded
from meadow_py.claims.result import ClaimRow
from meadow_py.measure import host
from meadow_py.views.claims import NO_DATA, by_source, headline, reading_lines, record_lines

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "meadow_py" / "claims" / "recorded.json"
PAGE = ROOT / "docs" / "claims.md"
MODELS = ("gpt2-attention", "gpt-neo-125m-attention")
START, END = "<!-- made by benchmarks/claims.py -->", "<!-- end -->"
X86 = {(25, 1): "Zen 3", (26, 2): "Zen 5"}


def cpu() -> str:
    here = host()
    kind = X86.get((here.family or 0, here.model or 0), f"family {here.family}")
    return f"{here.cpu} ({kind}), {here.cores} cores"


def commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *words],  # noqa: S607
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    changed = [
        line
        for line in git("status", "--porcelain", "--", "meadow_py", "csrc").splitlines()
        if not line.endswith("claims/recorded.json")
    ]
    if changed:
        sys.exit(f"commit first; changed: {', '.join(changed)}")
    return git("rev-parse", "--short", "HEAD")


def record() -> None:
    at, today = commit(), datetime.now(UTC).date().isoformat()
    os.chdir(test_data() / "weights")
    made = mp.claims(run=True, model=list(MODELS))
    rows = [replace(row, commit=at, cpu=cpu(), date=today) if row.verdict else row for row in made]
    mp.Claims(tuple(rows)).save(RECORDED)
    recorded.cache_clear()


def table(found: mp.Claims) -> str:
    lines = [f"{headline(found)}; {'; '.join(record_lines(found))}."]
    lines += ["", f"{'. '.join(reading_lines(found))}."]
    for source, rows in by_source(found):
        lines += ["", f"## {source}", ""]
        lines += [
            "| claim | page | published | ours | verdict | how |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            how = ". ".join(part for part in (row.detail, _stands_in(row)) if part)
            verdict = row.verdict or NO_DATA
            cells = (f"`{row.id}`: {row.claim}", row.page, row.published, row.ours or "")
            lines.append(f"| {' | '.join((*cells, verdict, how or f'needs {row.needs}'))} |")
    return "\n".join(lines)


def _stands_in(row: ClaimRow) -> str:
    return f"Stands in: {row.stands_in}" if row.stands_in else ""


def page(text: str, found: mp.Claims) -> str:
    """The page with its tables made anew."""
    before, rest = text.split(START)
    return f"{before}{START}\n\n{table(found)}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="only write docs/claims.md")
    if not parser.parse_args().page:
        record()
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), mp.claims()), encoding="utf-8")
    print(mp.claims())


if __name__ == "__main__":
    main()
