"""The examples in README.md and docs/*.md: they run, and print what the pages show."""

from __future__ import annotations

import difflib
import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
CALLOUTS = re.compile(r"( +\(\d+\))+$", re.M)  # numbers that lead to explanations
LINE_OF_CALLOUTS = re.compile(r"^( +\(\d+\))+\n", re.M)
MODELS_OF_SHARED_DATA = ("gpt-neo-125m-attention", "MEADOW_TEST_DATA")


@dataclass(frozen=True)
class Example:
    """A command, and what it must print, all or `partly`; None: anything."""

    place: str
    arguments: tuple[str, ...]  # of Python
    source: str
    output: str | None
    partly: bool


def examples(page: Path) -> list[Example]:
    text = page.read_text()
    found: list[Example] = []
    fences = [(match[1], match[2], match) for match in FENCE.finditer(text)]
    for n, (language, body, match) in enumerate(fences):
        place = f"{page.name}:{text[: match.start()].count(chr(10)) + 1}"
        if language == "python":
            behind = fences[n + 1] if n + 1 < len(fences) else None
            shown = behind is not None and text[match.end() : behind[2].start()].strip() == ""
            output = behind[1] if shown and behind and behind[0] == "text" else None
            found.append(Example(place, ("-c", body), body, output, partly=False))
        elif language == "console":
            first, _, output = body.partition("\n")
            if first.startswith("$ meadow ") and output:
                arguments = ("-m", "meadow_py", *first.split()[2:])
                found.append(Example(place, arguments, first, output, partly=True))
    return found


EXAMPLES = [example for page in PAGES for example in examples(page)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_an_example_prints_what_the_page_shows(
    example: Example, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = tmp_path
    if any(word in example.source for word in MODELS_OF_SHARED_DATA):
        folder = request.getfixturevalue("shared_data") / "weights"
    # Examples call `meadow` by its name, also where its environment is not activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        [sys.executable, *example.arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if example.output is not None:
        check_output(example, done.stdout)


def check_output(example: Example, printed: str) -> None:
    """`...` stands for anything, as in doctest."""
    shown = CALLOUTS.sub("", LINE_OF_CALLOUTS.sub("", example.output or ""))
    wanted = f"...{shown}..." if example.partly else shown
    if not doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS):
        changes = difflib.unified_diff(
            shown.splitlines(), printed.splitlines(), f"{example.place} shows", "it prints"
        )
        pytest.fail("\n".join(changes), pytrace=False)


def test_examples_are_found() -> None:
    places = {example.place.partition(":")[0] for example in EXAMPLES}
    assert {"README.md", "table.md", "json.md", "accounting.md", "index.md"} <= places
    assert any(example.output for example in EXAMPLES if example.place.startswith("table.md"))
