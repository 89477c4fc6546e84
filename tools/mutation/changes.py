"""What can be wrong with one place of a JSON or TOML document."""

from __future__ import annotations

import functools
import json
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

# Text that no document holds; `to_json` and `to_toml` replace it by what JSON types cannot express.
TWICE = "@twice@"
DEEP = "@deep@"
_LEVELS = 100_000
LATER = "a_later_key"
# Changes that no parser of text passes on, so that its message cannot give a path.
UNREADABLE = ("deep nesting", "longer than a float")


@dataclass(frozen=True)
class Mutant:
    """A document with one wrong place.

    Attributes
    ----------
    path : tuple of str or int
        The keys and indices that lead to the place.
    change : str
        The name of the change.
    document : object
        JSON types, except for the marks.
    """

    path: Path
    change: str
    document: Any

    def __str__(self) -> str:
        return f"{self.change} at {spelled(self.path) or 'the top'}"


def spelled(path: Path) -> str:
    """A path as messages give it: ``prefill.layers[3].seconds``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def general(path: Path) -> str:
    """A path with every index replaced by ``*``."""
    return re.sub(r"\[\d+\]", "[*]", spelled(path))


# What takes the place of a value.
_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "null": lambda _: None,
    "true": lambda _: True,
    "false": lambda _: False,
    "text": lambda _: "fast",
    "empty text": lambda _: "",
    "long text": lambda _: "x" * 10_000,
    "control characters": lambda _: "a\x1b[31m\x00\n",
    "half a character": lambda _: "\ud800",
    "empty list": lambda _: [],
    "empty object": lambda _: {},
    "in a list": lambda value: [value],
    "in an object": lambda value: {"value": value},
    "as text": lambda value: json.dumps(value)[:1000],
    "zero": lambda _: 0,
    "negative": lambda value: -value if _is_number(value) and value else -1,
    "next": lambda value: value + 1 if _is_number(value) else 1,
    "fraction": lambda _: 0.5,
    "tiny": lambda _: 5e-324,
    "huge": lambda _: 1e308,
    "huge integer": lambda _: 10**30,
    "longer than a float": lambda _: 10**400,
    "NaN": lambda _: float("nan"),
    "Infinity": lambda _: float("inf"),
    "-Infinity": lambda _: -float("inf"),
    "nested": lambda _: json.loads("[" * 50 + "]" * 50),
    "deep nesting": lambda _: DEEP,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _replace(make: Callable[[Any], Any], held: Any, step: str | int) -> None:
    held[step] = make(held[step])


def _remove(held: Any, step: str | int) -> None:
    del held[step]


def _repeat(held: Any, step: str | int) -> None:
    """Put an element of a list there twice, or give an object the same key twice."""
    if isinstance(held, list):
        held.insert(int(step), held[int(step)])
    else:
        held[f"{TWICE}{step}"] = -1


def _add(held: Any, step: str | int) -> None:
    if isinstance(held, dict):
        held[LATER] = held[step]


CHANGES: dict[str, Callable[[Any, str | int], None]] = {
    **{name: functools.partial(_replace, make) for name, make in _VALUES.items()},
    "missing": _remove,
    "repeated": _repeat,
    "extra key": _add,
}


def places(document: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a document except the top, leaves and inner nodes alike."""
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, dict | list):
            yield from places(value, (*path, step))


def mutants(document: Any, seed: str, left_out: frozenset[str] = frozenset()) -> Iterator[Mutant]:
    """Documents with one wrong place each, without end.

    Places that differ only in their indices count as one. Every one of them is changed in some way
    before any is changed again, in another way, at random indices.

    Parameters
    ----------
    document : object
        JSON types; it stays as it is.
    seed : str
        Decides which changes come first.
    left_out : frozenset of str
        Names of changes that this document cannot express.
    """
    choice = random.Random(seed)
    alike: dict[str, list[Path]] = {}
    for path in places(document):
        alike.setdefault(general(path), []).append(path)
    names = [name for name in CHANGES if name not in left_out]
    orders = {place: choice.sample(names, len(names)) for place in alike}
    turn = 0
    while True:
        for place, paths in alike.items():
            name = orders[place][turn % len(names)]
            path = choice.choice(paths)
            made = changed(document, path, CHANGES[name])
            if made != document or name == "NaN":
                yield Mutant(path, name, made)
        turn += 1


def changed(document: Any, path: Path, change: Callable[[Any, str | int], None]) -> Any:
    """A copy of the document with the change; what does not lead to the place is shared."""
    top = _copy(document)
    held = top
    for step in path[:-1]:
        held[step] = _copy(held[step])
        held = held[step]
    change(held, path[-1])
    return top


def _copy(node: Any) -> Any:
    return dict(node) if isinstance(node, dict) else list(node)


def to_json(document: Any) -> str:
    """The text of a document, with its marks replaced."""
    text = json.dumps(document, indent=1)
    text = text.replace(f'"{TWICE}', '"')
    return text.replace(f'"{DEEP}"', "[" * _LEVELS + "]" * _LEVELS)


def to_toml(document: Any) -> str:
    """The text of a TOML file whose tables are all inline; None cannot be expressed."""
    lines = [f"{_key(key)} = {_toml(value)}" for key, value in document.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if value == DEEP:
        return "[" * _LEVELS + "]" * _LEVELS
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value)


def _key(key: str) -> str:
    return json.dumps(key.removeprefix(TWICE))
