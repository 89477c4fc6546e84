"""A typed region: bytes of a file that are the values of one tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from meadow_py.records import Range

# Names of entries that packing adds begin with this.
RESERVED = "__meadow__."
# The bytes between regions are kept as one piece, the rest, up to this many bytes. Larger gaps
# become regions of plain bytes, so that neither packing nor reading holds much of them in memory.
MAX_REST = 1 << 26


# A size or an index in a file.
Size = Annotated[int, Range(least=0, most=2**60 - 1)]


@dataclass(frozen=True)
class Region:
    """The place of a tensor's values in a file.

    Attributes
    ----------
    name : str
        Name of the tensor; for other bytes, a name that says where they are.
    dtype : str
        Spelled as in safetensors (``"BF16"``) or GGUF (``"Q4_K"``).
    shape : tuple of int
        Dimensions in values, row-major.
    offset, length : int
        Place in the file, in bytes.
    is_tensor : bool
        Whether `name` is that of a tensor. Names of tensors are unique.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int
    is_tensor: bool = True

    @property
    def end(self) -> int:
        """The offset of the first byte after it."""
        return self.offset + self.length


@dataclass(frozen=True)
class View:
    """A tensor that is a strided part of a region (tied and sliced weights).

    Attributes
    ----------
    name, dtype, shape
        As in `Region`.
    region : int
        Number of the region in the file.
    offset : int
        Distance from the start of the region, in values.
    strides : tuple of int
        Distance from one index to the next, in values, for each dimension.
    """

    name: str
    dtype: str
    shape: tuple[Size, ...]
    region: Size
    offset: Size
    strides: tuple[Size, ...]


@dataclass(frozen=True)
class FileRegions:
    """The regions of one file, in the order of their bytes and without overlap.

    Attributes
    ----------
    format : str
        ``"safetensors"``, ``"gguf"``, ``"pytorch"``, or ``"bytes"`` for anything else.
    regions : tuple of Region
    views : tuple of View or None
        The tensors of the file, if they do not coincide with its regions.
    """

    format: str
    regions: tuple[Region, ...]
    views: tuple[View, ...] | None = None


def opaque(offset: int, length: int) -> Region:
    """A region of bytes of unknown meaning."""
    return Region(f"bytes at {offset}", "U8", (length,), offset, length, is_tensor=False)


def in_order(regions: Iterable[Region], size: int) -> tuple[Region, ...]:
    """Sort regions; those that overlap an earlier one or exceed the file are left to the rest."""
    kept: list[Region] = []
    reached = 0
    for region in sorted(regions, key=lambda region: (region.offset, region.end)):
        if region.offset >= reached and region.end <= size:
            kept.append(region)
            reached = region.end
    return tuple(kept)


def with_bounded_rest(regions: Sequence[Region], size: int) -> tuple[Region, ...]:
    """Add a region for every gap that would make the rest larger than `MAX_REST`."""
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
    """Begin and end of every non-empty gap between regions of a file, in order."""
    found = []
    reached = 0
    for region in regions:
        if region.offset > reached:
            found.append((reached, region.offset))
        reached = region.end
    if reached < size:
        found.append((reached, size))
    return found
