"""Length-limited Huffman codes of the bit groups of a weight.

Huff-LLM (arXiv 2502.00922) cuts a weight into small groups of bits and gives each a Huffman code.
The sources at hand do not say which groups; `GROUPS` is this project's choice, and a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from meadow_py import _core

GROUPS = {
    "BF16": (1, 8, 7),
    "F16": (1, 5, 5, 5),
    "I8": (8,),
}
"""Widths in bits, highest bits first: sign, exponent, mantissa in slices. An assumption."""

LONGEST = 12
"""Bits of the longest code, as of the blobs of docs/format.md. An assumption."""

_LENGTH_BITS = 8  # bits of a code's length in a stored table

Words = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True, eq=False)
class GroupCode:
    """The code of one bit group.

    Attributes
    ----------
    shift, width : int
        Position of its lowest bit in the weight, and its number of bits.
    lengths : int64 array, shape (2**width,)
        Bits of every symbol's code; 0 for symbols that do not occur. In a raw group, all are
        `width`.
    counts : int64 array, shape (2**width,)
        Number of times each symbol occurs.
    coded : bool
        False if a code with its table would not be smaller, so that the bits are stored raw.
    """

    shift: int
    width: int
    lengths: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    coded: bool

    @property
    def entries(self) -> int:
        """Number of symbols that have a code."""
        return int(np.count_nonzero(self.lengths))

    @property
    def longest(self) -> int:
        """Bits of the longest code."""
        return int(self.lengths.max())

    @property
    def bits_per_symbol(self) -> float:
        """Average bits of a symbol's code; the table is not counted."""
        return float(self.lengths @ self.counts / self.counts.sum())

    @property
    def entropy(self) -> float:
        """Entropy of the symbols in bits: no code of single symbols takes less (Shannon, 1948)."""
        share = self.counts[self.counts > 0] / self.counts.sum()
        return float(-(share * np.log2(share)).sum())

    @property
    def stored_table_bits(self) -> int:
        """Bits that a canonical code takes beside the weights: a length for every symbol."""
        return self.counts.size * _LENGTH_BITS if self.coded else 0

    def lengths_of(self, words: Words) -> npt.NDArray[np.int64]:
        """Bits that this group takes in each weight.

        Parameters
        ----------
        words : array of uint8 or uint16, any shape
            The bits of the weights.

        Returns
        -------
        numpy.ndarray
            int64, in the shape of `words`.
        """
        symbols = (words >> words.dtype.type(self.shift)) & words.dtype.type((1 << self.width) - 1)
        found: npt.NDArray[np.int64] = self.lengths[symbols]
        return found


@dataclass(frozen=True)
class WeightCode:
    """The codes of all bit groups of a weight matrix or of a model; made by `weight_code`.

    Attributes
    ----------
    groups : tuple of GroupCode
        Highest bits first.
    bits : int
        Bits of a dense weight.
    """

    groups: tuple[GroupCode, ...]
    bits: int

    @property
    def coded(self) -> tuple[GroupCode, ...]:
        """The groups that need a decoder."""
        return tuple(group for group in self.groups if group.coded)

    @property
    def raw_bits(self) -> int:
        """Bits of a weight that are stored raw."""
        return sum(group.width for group in self.groups if not group.coded)

    @property
    def bits_per_weight(self) -> float:
        """Bits per weight of codes, raw bits and tables; padding of streams is not counted."""
        count = int(self.groups[0].counts.sum())
        tables = sum(group.stored_table_bits for group in self.groups)
        return sum(group.bits_per_symbol for group in self.groups) + tables / count

    @property
    def floor(self) -> float:
        """Sum of the groups' entropies in bits, a lower bound for any code of these groups."""
        return sum(group.entropy for group in self.groups)

    def with_longest(self, longest: int) -> WeightCode:
        """Codes of the same symbols with another limit on the code length.

        Returns
        -------
        WeightCode
        """
        made = (_group(g.shift, g.width, g.counts, longest) for g in self.groups)
        return WeightCode(tuple(made), self.bits)

    def lengths_of(self, words: Words) -> npt.NDArray[np.int64]:
        """Bits that each coded group takes in each weight.

        Parameters
        ----------
        words : array of uint8 or uint16, any shape
            The bits of the weights.

        Returns
        -------
        numpy.ndarray
            int64, shape ``(coded groups, *words.shape)``.
        """
        if not self.coded:
            return np.zeros((0, *words.shape), np.int64)
        return np.stack([group.lengths_of(words) for group in self.coded])


def weight_code(words: Words, widths: Sequence[int], longest: int = LONGEST) -> WeightCode:
    """Build the Huffman codes of the bit groups of weights.

    Parameters
    ----------
    words : array of uint8 or uint16, any shape
        The bits of the weights.
    widths : sequence of int
        Bits of each group, highest first; see `GROUPS`.
    longest : int
        Most bits of a code. A group with more symbols than there are such codes stays raw.

    Returns
    -------
    WeightCode

    Raises
    ------
    TypeError
        For other dtypes.
    ValueError
        If the widths do not add up to the bits of a word, or there are no weights.
    """
    if words.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"words: expected uint8 or uint16, found {words.dtype}")
    bits = 8 * words.dtype.itemsize
    if sum(widths) != bits or min(widths, default=0) < 1:
        raise ValueError(f"widths: expected bits that add up to {bits}, found {tuple(widths)}")
    if not words.size:
        raise ValueError("words: expected at least one weight")
    shift, made = bits, []
    for width in widths:
        shift -= width
        symbols = (words.reshape(-1) >> words.dtype.type(shift)).astype(np.int64) % (1 << width)
        made.append(_group(shift, width, np.bincount(symbols, minlength=1 << width), longest))
    return WeightCode(tuple(made), bits)


def _group(shift: int, width: int, counts: npt.NDArray[np.int64], longest: int) -> GroupCode:
    table = counts.size * _LENGTH_BITS
    if np.count_nonzero(counts) <= 1 << longest:
        lengths = limited_lengths(counts, longest)
        if int(lengths @ counts) + table < width * int(counts.sum()):
            return GroupCode(shift, width, lengths, counts, True)
    return GroupCode(shift, width, np.full(counts.size, width, np.int64), counts, False)


def limited_lengths(counts: npt.NDArray[np.int64], longest: int) -> npt.NDArray[np.int64]:
    """Code lengths of an optimal prefix code in which no code exceeds `longest` bits.

    The algorithm is package-merge (Larmore and Hirschberg, A fast algorithm for optimal
    length-limited Huffman codes, JACM 37(3), 1990). A lone symbol takes one bit.

    Parameters
    ----------
    counts : int array, shape (symbols,)
        Number of times each symbol occurs.
    longest : int
        Most bits of a code.

    Returns
    -------
    numpy.ndarray
        int64, shape (symbols,); 0 for symbols that do not occur.

    Raises
    ------
    ValueError
        If there are more than ``2**longest`` symbols.
    """
    used = int(np.count_nonzero(counts))
    if used > 2**longest:
        raise ValueError(f"longest: expected enough bits for {used} symbols, found {longest}")
    return _core.huffman_lengths(np.ascontiguousarray(counts, np.uint64), longest).astype(np.int64)
