"""Finds the place of a tensor in the model from its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from meadow_py.architectures import fallback
from meadow_py.architectures.family import Family, Row
from meadow_py.architectures.weight import Role

BEFORE, BLOCKS, AFTER = range(3)
_UNLISTED = 1 << 20  # sorts after every row of a table


@dataclass(frozen=True)
class Place:
    """The place of a tensor: its row (None if the family does not list it), role and block."""

    row: Row | None
    role: Role
    layer: int | None
    stage: int
    index: int

    @property
    def order(self) -> tuple[int, int, int]:
        """A key that sorts tensors in model order."""
        return self.stage, -1 if self.layer is None else self.layer, self.index


def place_of(family: Family, tensor: str) -> Place:
    """The place of a stored tensor, from the family's table or else from obvious name parts."""
    path, leaf = split_leaf(tensor)
    found = None if in_tower(path) else _look_up(family, path)
    if found is None:
        return _guess(path, leaf)
    stage, index, row, layer = found
    return Place(row, _role(row.role, leaf), layer, stage, index)


def split_leaf(tensor: str) -> tuple[list[str], str]:
    """Module path and parameter: `h.0.ln_1.bias` is `[h, 0, ln_1]` and `bias`.

    A name that does not end in a known parameter is taken as the path of a `weight`.
    """
    parts = tensor.split(".")
    if len(parts) > 1 and parts[-1] in ("weight", "bias"):
        return parts[:-1], parts[-1]
    return parts, "weight"


def in_tower(path: Sequence[str]) -> bool:
    """Whether the module belongs to the vision or audio half of a multimodal model.

    Its blocks are numbered like the decoder's but belong to it alone. GGUF names them `v.blk.0` and
    `a.blk.0`.
    """
    if path[:2] in (["v", "blk"], ["a", "blk"]):
        return True
    return any(word in part for part in path for word in ("vision", "visual", "audio", "image"))


def endings(tensors: Iterable[str]) -> set[str]:
    """All endings of the tensors' paths, with numbers written as `#`; biases keep `.bias`."""
    found: set[str] = set()
    for tensor in tensors:
        path, leaf = split_leaf(tensor)
        if not in_tower(path):
            whole = path if leaf == "weight" else [*path, leaf]
            found.update(suffix for _, suffix in _suffixes(whole))
    return found


def _look_up(family: Family, path: list[str]) -> tuple[int, int, Row, int | None] | None:
    table = _table(family)
    for start, suffix in _suffixes(path):
        found = table.get(suffix)
        if found is not None and not any(map(is_number, path[:start])):
            layer = next((int(part) for part in path[start:] if is_number(part)), None)
            return (*found, layer)
    return None


@cache
def _table(family: Family) -> dict[str, tuple[int, int, Row]]:
    table: dict[str, tuple[int, int, Row]] = {}
    stages = (
        (BEFORE, family.before),
        (BLOCKS, family.block),
        (AFTER, family.after + family.head),
    )
    for stage, rows in stages:
        for index, row in enumerate(rows):
            for spelling in _spellings(row.path):
                table.setdefault(spelling, (stage, index, row))
    return table


def _spellings(path: str) -> Iterator[str]:
    for choice in product(*(part.split("|") for part in path.split("."))):
        yield ".".join(choice)


def _suffixes(path: list[str]) -> Iterator[tuple[int, str]]:
    """Endings of the path, longest first, with numbers written as `#`."""
    parts = ["#" if is_number(part) else part for part in path]
    for start in range(len(parts)):
        yield start, ".".join(parts[start:])


def is_number(part: str) -> bool:
    """Whether a name part numbers a block or an expert."""
    return part.isascii() and part.isdigit() and len(part) <= 6


def _role(role: Role, leaf: str) -> Role:
    return role if leaf == "weight" or role == "norm" else "other"


def _guess(path: list[str], leaf: str) -> Place:
    role = _role(fallback.role(path), leaf)
    numbers = [] if in_tower(path) else [int(part) for part in path if is_number(part)]
    if numbers:
        return Place(None, role, numbers[0], BLOCKS, _UNLISTED)
    return Place(None, role, None, BEFORE if role == "embedding" else AFTER, _UNLISTED)
