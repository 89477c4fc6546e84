"""The public text that the demo model learns from and is tested on, in one spelling.

WikiText-2 comes as tokens with spaces between them. `detokenized` writes it as an encyclopaedia
does, so that the model learns text as people type it. Nothing is downloaded and nothing is stored.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

UNKNOWN = "<unk>"  # stands for every rare word of WikiText-2's validation file

TRAINING_FILE = "wikitext2.valid.tokens.txt"
SHAKESPEARE_FILE = "tinyshakespeare.txt"
HELD_OUT_FILE = "wikitext2.test.raw.txt"

SELECTION_EVERY = 12  # each twelfth article of the training file chooses, and is not trained on
SHAKESPEARE_KEPT_OUT = 20_000  # characters at the end of the plays

_ARTICLE = re.compile(r"(?m)^ = (?!=)[^\n]*(?<!=) = *$")
_PARTS_OF_WORDS = re.compile(r" @([-,.])@ ")
_HEADING = re.compile(r"^((?:= )+)(.*?)((?: =)+)$")
_CLOSES = re.compile(r" ([,.;:!?%)\]}\u2019\u201d])")  # no space before these
_OPENS = re.compile(r"([(\[{$£€#\u201c\u2018]) ")  # no space after these
_ENDINGS = re.compile(r"(?<=\w) (['\u2019])(s|t|re|ve|ll|d|m)\b")  # Teddy 's, don 't
_PLURAL_OWNERS = re.compile(r"(?<=s) ' ")  # the actors ' voices
_RANGES = re.compile(r"(?<=\d) (\u2013) (?=\d)| (/) ")
_DEGREES = re.compile(r" ([\u00b0\u2032\u2033])")
_QUOTED = re.compile(r'" (.*?) "')
_SINGLE_QUOTED = re.compile(r"(?<!\S)' (.*?) '(?!\S)")


class Corpus(NamedTuple):
    """Documents by what they are for."""

    wiki: list[str]
    plays: list[str]
    selection: list[str]
    plays_selection: list[str]


def corpus(folder: Path) -> Corpus:
    """Everything that may be trained on or chosen by.

    Parameters
    ----------
    folder : Path
        Holds `TRAINING_FILE` and `SHAKESPEARE_FILE`.
    """
    found = articles((folder / TRAINING_FILE).read_text(encoding="utf-8"))
    chosen = range(SELECTION_EVERY - 1, len(found), SELECTION_EVERY)
    plays = (folder / SHAKESPEARE_FILE).read_text(encoding="utf-8")
    cut = plays.index("\n\n", len(plays) - SHAKESPEARE_KEPT_OUT) + 2
    return Corpus(
        wiki=[article for i, article in enumerate(found) if i not in chosen],
        plays=[plays[:cut]],
        selection=[found[i] for i in chosen],
        plays_selection=[plays[cut:]],
    )


def held_out(folder: Path) -> list[str]:
    """The articles of WikiText-2's test file: measured on once, never chosen by."""
    return articles((folder / HELD_OUT_FILE).read_text(encoding="utf-8"))


def articles(wikitext: str) -> list[str]:
    """A WikiText file as one de-tokenised string for each article, in order."""
    starts = [match.start() for match in _ARTICLE.finditer(wikitext)]
    ends = [*starts[1:], len(wikitext)]
    return [detokenized(wikitext[start:end]) for start, end in zip(starts, ends, strict=True)]


def detokenized(wikitext: str) -> str:
    """Each paragraph and heading on a line of its own, spaced as people write."""
    lines = (line.strip() for line in wikitext.splitlines())
    return "".join(_line(line) + "\n" for line in lines if line)


def _line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading:
        mark = "=" * heading[1].count("=")
        return f"{mark} {_spaced(heading[2])} {mark}"
    return _spaced(line)


def _spaced(line: str) -> str:
    line = _PARTS_OF_WORDS.sub(r"\1", line)
    line = _ENDINGS.sub(r"\1\2", line)
    line = _QUOTED.sub(r'"\1"', line)
    line = _SINGLE_QUOTED.sub(r"'\1'", line)
    line = _PLURAL_OWNERS.sub("' ", line)
    line = _RANGES.sub(r"\1", line)
    line = _DEGREES.sub(r"\1", line)
    return _OPENS.sub(r"\1", _CLOSES.sub(r"\1", line))
