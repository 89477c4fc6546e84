"""A typed region: bytes of a file that are the values of one tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What a packed file adds has names that begin with this.
RESERVED = "__meadow__."
# What stands between regions is kept as one piece up to this many bytes; beyond, it is cut out as
# regions of plain bytes, so that neither who packs nor who reads holds much of it in memory.
MAX_REST = 1 << 26


@dataclass(frozen=True)
class Region:
    """Where the values of a tensor lie in a file.

    Attributes
    ----------
    name : str
        The tensor; of bytes that are none, a name that says where they are.
    dtype : str
        Spelled as in safetensors (``"BF16"``) or GGUF (``"Q4_K"``).
    shape : tuple of int
        Counts values, row-major.
    offset, length : int
        Bytes of the file.
    is_tensor : bool
        Whether `name` is that of a tensor; no two tensors have the same.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int
    is_tensor: bool = True

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.length


@dataclass(frozen=True)
class View:
    """A tensor that is a part of a region, or lies across it (tied and sliced weights).

    Attributes
    ----------
    name, dtype, shape
        As of a `Region`.
    region : int
        Which region, by its place among those of the file.
    offset : int
        Values behind the start of the region.
    strides : tuple of int
        Values from one index to the next, for each dimension.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    region: int
    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True)
class FileRegions:
    """The regions of one file, in the order of their bytes, none overlapping another.

    Attributes
    ----------
    format : str
        ``"safetensors"``, ``"gguf"``, ``"pytorch"``, or ``"bytes"`` for anything else.
    regions : tuple of Region
    views : tuple of View or None
        The tensors of the file, where regions are not exactly these.
    """

    format: str
    regions: tuple[Region, ...]
    views: tuple[View, ...] | None = None


def opaque(offset: int, length: int) -> Region:
    """Bytes of which nothing is known."""
    return Region(f"bytes at {offset}", "U8", (length,), offset, length, is_tensor=False)


def in_order(regions: Iterable[Region], size: int) -> tuple[Region, ...]:
    """Sorted, without those that overlap an earlier one or leave the file: they are rest."""
    kept: list[Region] = []
    reached = 0
    for region in sorted(regions, key=lambda region: (region.offset, region.end)):
        if region.offset >= reached and region.end <= size:
            kept.append(region)
            reached = region.end
    return tuple(kept)


def with_bounded_rest(regions: Sequence[Region], size: int) -> tuple[Region, ...]:
    """The regions, and one more for every gap that would make the rest larger than `MAX_REST`."""
    made: list[Region] = []
    reached = rest = 0
    for region in (*regions, None):
        gap = (size if region is None else region.offset) - reached
        if rest + gap > MAX_REST:
            made.append(opaque(reached, gap))
        else:
            rest += gap
        if region is not None:
            made.append(region)
            reached = region.end
    return tuple(made)


def gaps(regions: Sequence[Region], size: int) -> list[tuple[int, int]]:
    """Begin and end of everything in a file that is in no region, in order, none empty."""
    found = []
    reached = 0
    for region in regions:
        if region.offset > reached:
            found.append((reached, region.offset))
        reached = region.end
    if reached < size:
        found.append((reached, size))
    return found
