"""tools/prose.py finds the sentences it is made for, where they stand, and leaves code alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture(scope="module")
def prose() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        return importlib.import_module("prose")


@pytest.mark.parametrize(
    ("sentence", "pattern"),
    [
        ("Of so many tokens; 0: of all.", "so many"),
        ("The bytes behind the header are checked.", "behind for after"),
        ("A run that was stopped is gone on with.", "is gone on with"),
        ("What gives this weight to a caller is a view.", "a clause of what first"),
        ("Of planes that stay in the file only the heads are checked.", "Of ... only"),
        ("With this name the file is opened.", "inverted start"),
        ("Whoever waits looks for a little longer.", "whoever, whatever first"),
    ],
)
def test_each_habit_is_found(prose: Any, tmp_path: Path, sentence: str, pattern: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\nA plain sentence.\n{sentence}\n")
    assert (4, pattern) in [(one.line, one.pattern) for one in prose.of_path(page)]
    module = tmp_path / "module.py"
    module.write_text(f'def f():\n    """Plain.\n\n    {sentence}\n    """\n')
    assert (4, pattern) in [(one.line, one.pattern) for one in prose.of_path(module)]
    module.write_text(f"x = 1\n# {sentence}\ny = 2\n")
    assert (2, pattern) in [(one.line, one.pattern) for one in prose.of_path(module)]


@pytest.mark.parametrize(
    "text",
    [
        "What is a unit?\n",
        "Nothing half-written is left behind.\n",
        "```\nso many behind\n```\n",
        "The option `behind` is gone.\n",
        "There are so many that none is listed.\n",
    ],
)
def test_plain_sentences_and_code_are_left_alone(prose: Any, tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert list(prose.of_path(page)) == []
