"""What entropy coders make of a weight: data of a result, without a view."""

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
        Symbols that have a code.
    longest : int
        Bits of the longest code; codes have at most 12.
    table_bits : int
        Memory of a canonical decoder: ``entries * symbol_bits`` for the symbols in order of their
        codes, and for every length from 1 to `longest` the first code (`longest` bits) and how
        many there are (0 to `entries`). See ``docs/accounting.md``.
    streams : int
        Independent streams in a tile: decoders that can work side by side.
    """

    symbol_bits: int
    entries: int
    longest: int
    table_bits: int
    streams: int


@dataclass(frozen=True)
class StoredFloats:
    """A weight of floating-point numbers as it is stored, under the entropy coders.

    Attributes
    ----------
    bits : int
        Bits of a value as stored: what ratios are against.
    bits_per_weight : dict of str to float
        ``huffman`` (Huff-LLM's bit groups, a code each) and ``storage`` (the storage codec),
        everything counted.
    floors : dict of str to float
        What no coder of the same symbols gets below, bits per weight: of ``huffman`` the entropies
        of the bit groups; of ``storage`` that of exponents under the scales which it takes off
        them, which may lie below ``fields``. Neither tables nor scales are in it.
    ledgers : dict of str to Ledger
        Where every bit of these two goes.
    coding : str
        What the storage codec made of the planes, as ``huffman+raw``.
    huffman : tuple of HuffmanTable
        Of ``huffman``: one for every bit group that has a code, the highest bits first.
    """

    bits: int
    bits_per_weight: dict[str, float]
    floors: dict[str, float]
    ledgers: dict[str, Ledger]
    coding: str
    huffman: tuple[HuffmanTable, ...]
