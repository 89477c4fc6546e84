"""Sizes of a weight under the entropy coders: plain data of a result."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py.ledger import Ledger


@dataclass(frozen=True)
class HuffmanTable:
    """What a decoder of one canonical Huffman code needs in hardware.

    Attributes
    ----------
    symbol_bits : int
        Bits of a decoded symbol.
    entries : int
        Number of symbols that have a code.
    longest : int
        Bits of the longest code, at most 12.
    table_bits : int
        Memory of a canonical decoder, in bits: ``entries * symbol_bits`` for the symbols in order
        of their codes; and for every length from 1 to `longest` the first code (`longest` bits)
        and the number of codes (0 to `entries`). See ``docs/accounting.md``.
    streams : int
        Number of independent streams in a tile, and so of decoders that can work in parallel.
    """

    symbol_bits: int
    entries: int
    longest: int
    table_bits: int
    streams: int


@dataclass(frozen=True)
class StoredFloats:
    """A weight of floating-point numbers as stored, under the entropy coders.

    Attributes
    ----------
    bits : int
        Bits of a stored value; the baseline of ratios.
    bits_per_weight : dict of str to float
        ``huffman`` (Huff-LLM's bit groups, one code each) and ``storage`` (the storage codec),
        everything counted.
    floors : dict of str to float
        Lower bounds for any coder of the same symbols, in bits per weight, without tables and
        scales. For ``huffman``: the entropies of the bit groups, added up. For ``storage``: the
        same with exponents taken relative to the scales of rows and columns, which may lie below
        the floor ``fields``.
    ledgers : dict of str to Ledger
        Where every bit of these two goes.
    coding : str
        The codings that the storage codec chose for the planes, such as ``huffman+raw``.
    huffman : tuple of HuffmanTable
        Tables of ``huffman``: one for every bit group that has a code, the highest bits first.
    """

    bits: int
    bits_per_weight: dict[str, float]
    floors: dict[str, float]
    ledgers: dict[str, Ledger]
    coding: str
    huffman: tuple[HuffmanTable, ...]
