"""List sentences that a reader stumbles over, in docs, docstrings and strings shown to users.

    python tools/prose.py [--counts] [PATH ...]

Each pattern stands for one habit: "so many" for "that number of", "behind" for "after", a sentence
that begins with a clause of "what", and so on. The patterns find candidates, not faults: read each.
The words of code, tables and quotations are left out.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "meadow_py")
LEFT_OUT = {"_core.pyi"}

_START = r"(?:^|(?<=[.:;!?]\s)|(?<=[.:;!?]\n))"
_VERB = r"(?:is|are|was|were|has|have|does|do|can|may|must|will|makes|gives|takes|comes|holds)"
PATTERNS = {
    "so many": r"\b[Ss]o many\b(?! (?:that|as))",
    "behind for after": r"(?<!left )(?<!hide )(?<!hides )(?<!hidden )\bbehind\b"
    r"(?! (?:the scenes|one ))",
    "is gone on with": r"\b(?:is|are|was|were) gone on with\b|\bgoes? on with\b",
    "a clause of what first": rf"{_START}What\b[^.?!:]{{0,80}}?\b{_VERB}\b(?![^.]*\?)",
    "Of ... only": rf"{_START}Of (?:the |these |those |all )?[^.,:]{{1,60}}?\bonly\b",
    "inverted start": rf"{_START}(?:Of|To|From|In|On|With|By|For)\b [^.,;:]{{1,40}}? "
    r"(?:is|are|was|were) (?:the |a |an )?\w+(?:ed|en|ne|pt)\b",
    "whoever, whatever first": rf"{_START}(?:Whoever|Whatever|Whichever)\b",
    "dated words": r"\bin truth\b|\blest\b|\bwherefore\b|\bthereof\b",
}
_COMPILED = {name: re.compile(pattern, re.MULTILINE) for name, pattern in PATTERNS.items()}


@dataclass(frozen=True)
class Finding:
    """A place that a pattern matches."""

    path: Path
    line: int
    pattern: str
    words: str


def main() -> int:
    """Print the findings, by file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("path", type=Path, nargs="*")
    parser.add_argument("--counts", action="store_true", help="only the number by file and pattern")
    arguments = parser.parse_args()
    found = [one for path in arguments.path or [ROOT / p for p in PLACES] for one in of_path(path)]
    if arguments.counts:
        for path, count in Counter(one.path for one in found).most_common():
            print(f"{count:4} {_shown(path)}")
        for pattern, count in Counter(one.pattern for one in found).most_common():
            print(f"{count:4} {pattern}")
    else:
        for one in found:
            print(f"{_shown(one.path)}:{one.line}: {one.pattern}: {one.words}")
    print(f"{len(found)} found", file=sys.stderr)
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def of_path(path: Path) -> Iterator[Finding]:
    """The findings in a file, or in every file of prose and of Python below a folder."""
    if path.is_dir():
        for inner in sorted([*path.rglob("*.md"), *path.rglob("*.py"), *path.rglob("*.toml")]):
            yield from of_path(inner)
    elif path.name not in LEFT_OUT:
        text = path.read_text(encoding="utf-8")
        passages = {".md": _markdown, ".py": _python}.get(path.suffix, _toml)(text)
        for line, passage in passages:
            yield from _matches(path, line, passage)


def _matches(path: Path, line: int, passage: str) -> Iterator[Finding]:
    for name, pattern in _COMPILED.items():
        for match in pattern.finditer(passage):
            at = line + passage.count("\n", 0, match.start())
            start = max(0, match.start() - 20)
            words = " ".join(passage[start : match.end() + 40].split())
            yield Finding(path, at, name, words)


def _markdown(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs, without code."""
    inside_code, start, lines = False, 1, list[str]()
    for number, line in enumerate([*text.split("\n"), ""], 1):
        fence = line.lstrip().startswith(("```", "~~~"))
        inside_code ^= fence
        if fence or inside_code or not line.strip() or line.startswith(("|", "#")):
            if lines:
                yield start, _without_code("\n".join(lines))
            lines = []
            if line.startswith("|") and not inside_code:
                yield from (
                    (number, _without_code(c.strip())) for c in line.split("|") if c.strip()
                )
        else:
            if not lines:
                start = number
            lines.append(line.lstrip("-*> ") if not lines else line.strip())


def _without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", lambda code: "`" + "x" * (len(code[0]) - 2) + "`", text)


def _python(text: str) -> Iterator[tuple[int, str]]:
    """Docstrings and other strings with a space in them, then comments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            for offset, block in _blocks(node.value):
                yield node.lineno + offset, _without_code(block)
    comment: list[str] = []
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            start = start if comment else token.start[0]
            comment.append(token.string.lstrip("# "))
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and comment:
            yield start, "\n".join(comment)
            comment = []


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs of a docstring, with the number of lines before each."""
    offset = 0
    for block in re.split(r"(\n\s*\n)", text):
        if block.strip():
            lines = [line.strip() for line in block.split("\n")]
            yield offset, "\n".join(lines).strip("\n")
        offset += block.count("\n")


def _toml(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        yield from ((number, quoted) for quoted in re.findall(r'"([^"]* [^"]*)"', line))


if __name__ == "__main__":
    sys.exit(main())
