"""Two records side by side: what differs, what was meant to, what could not be compared."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from recording.store import Entry, text_of


@dataclass(frozen=True)
class Intended:
    """A difference that is meant.

    Attributes
    ----------
    key : str
        A key of the record, or a pattern of keys with ``*`` and ``?``.
    why : str
        The reason.
    """

    key: str
    why: str


@dataclass
class Outcome:
    """Keys by what became of them."""

    same: int = 0
    differing: dict[str, str] = field(default_factory=dict)
    intended: dict[str, str] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)


def read_intended(path: Path) -> list[Intended]:
    """Read the list of differences that are meant.

    Raises
    ------
    ValueError
        If an entry has no key or no reason.
    """
    if not path.is_file():
        return []
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("intended", [])
    for entry in found:
        if set(entry) != {"key", "why"} or not all(
            isinstance(v, str) and v for v in entry.values()
        ):
            raise ValueError(f"{path}: expected a key and a reason (why), found {entry}")
    return [Intended(**entry) for entry in found]


def compare(
    recorded: dict[str, Any], found: dict[str, Any], intended: list[Intended], lines: int = 30
) -> int:
    """Print every difference, and return 1 if one was not meant, else 0.

    Parameters
    ----------
    recorded, found : dict
        Records: of the commit before, and of what is imported here.
    intended : list of Intended
    lines : int
        How many lines of each difference are printed; 0 for all.
    """
    if recorded["version"] != found["version"]:
        print(f"the record has version {recorded['version']}, this script {found['version']}")
        return 1
    outcome = outcome_of(recorded, found, intended)
    for key, difference in outcome.differing.items():
        print(f"\n=== {key}\n{_shortened(difference, lines)}")
    for title, group in (
        ("not compared", outcome.not_compared),
        ("differs as intended", outcome.intended),
    ):
        for why, keys in _by_reason(group).items():
            shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
            print(f"{title}: {shown}: {why}")
    _print_unused(intended, outcome)
    absent = sorted(set(recorded["isas"]) - set(found["isas"]))
    print(f"instruction sets compared: {', '.join(found['isas'])}", end="")
    print(f"; not on this CPU: {', '.join(absent)}" if absent else "")
    print(
        f"{outcome.same} entries are the same, {len(outcome.differing)} differ, "
        f"{len(outcome.intended)} differ as intended, {len(outcome.not_compared)} not compared"
    )
    return 1 if outcome.differing else 0


def _print_unused(intended: list[Intended], outcome: Outcome) -> None:
    for one in intended:
        if not any(fnmatchcase(key, one.key) for key in outcome.intended):
            print(f"intended, but nothing differs: {one.key}")


def outcome_of(
    recorded: dict[str, Any], found: dict[str, Any], intended: list[Intended]
) -> Outcome:
    """Sort every key of both records."""
    outcome = Outcome()
    for key, before, now in _pairs(recorded["entries"], found):
        why_not = _why_not(key, before, now, recorded, found)
        if why_not:
            outcome.not_compared[key] = why_not
        elif before == now:
            outcome.same += 1
        else:
            reason = next((one.why for one in intended if fnmatchcase(key, one.key)), None)
            if reason is None:
                outcome.differing[key] = difference_of(before, now)
            else:
                outcome.intended[key] = reason
    return outcome


def _pairs(
    recorded: dict[str, Entry], found: dict[str, Any]
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Every key with both entries; `KEY on ISA` is there only where an ISA gave something else."""
    for key in sorted({*recorded, *found["entries"]}):
        plain, _, isa = key.rpartition(" on ")
        before, now = recorded.get(key), found["entries"].get(key)
        if plain in found["entries"] and isa in found["isas"]:  # that ISA ran here
            before, now = before or recorded.get(plain), now or found["entries"][plain]
        yield key, before, now


def _why_not(
    key: str,
    before: Entry | None,
    now: Entry | None,
    recorded: dict[str, Any],
    found: dict[str, Any],
) -> str | None:
    """Why a key cannot be compared here, or None."""
    if before is None or now is None:
        for pattern, why in found["skipped"].items():
            if fnmatchcase(key, pattern):
                return str(why)
        for pattern, why in recorded["skipped"].items():
            if fnmatchcase(key, pattern):
                return f"where the record was made: {why}"
        isa = key.rpartition(" on ")[2]
        is_absent = isa in recorded["isas"] and isa not in found["isas"]
        return "this CPU lacks the instruction set" if now is None and is_absent else None
    wanted, here = before.get("needs", []), now.get("needs", [])
    if wanted != here:
        return f"recorded with {', '.join(wanted) or 'others'}, here {', '.join(here) or 'others'}"
    return None


def difference_of(before: Entry | None, now: Entry | None) -> str:
    """A unified diff of two entries."""
    if before is None or now is None:
        entry = before or now or {}
        head = "gone; it was" if now is None else "new; it is"
        return f"{head}\n{text_of(entry)}"
    lines = difflib.unified_diff(_lines(before), _lines(now), "recorded", "found", n=1, lineterm="")
    return "\n".join(lines)


def _lines(entry: Entry) -> list[str]:
    """The pieces of a text, or the fields of a hash, without ends of lines."""
    if "text" not in entry:
        return text_of(entry).splitlines()
    return [piece.rstrip("\n") for piece in entry["text"]]


def _shortened(text: str, lines: int) -> str:
    all_lines = text.splitlines()
    if not lines or len(all_lines) <= lines:
        return text
    return "\n".join([*all_lines[:lines], f"... {len(all_lines) - lines} more lines"])


def _by_reason(group: dict[str, str]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for key, why in group.items():
        reasons.setdefault(why, []).append(key)
    return reasons
