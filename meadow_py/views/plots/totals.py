"""Bits added up over the weights that a row, a bar or a point stands for."""

from __future__ import annotations

from collections.abc import Sequence

from meadow_py.codecs import CODECS
from meadow_py.profiler.result import Packing

BEST = "best"
HUFFMAN = "plain_huffman"
DENSE = "dense"


def total_bits(packings: Sequence[Packing], book: str) -> int:
    """Everything counted, of a codec, ``dense`` or ``plain_huffman``."""
    return sum(packing.ledgers[book].total for packing in packings)


def ratio(packings: Sequence[Packing], book: str) -> float:
    """How many times smaller than dense; ``best`` is the smallest of the codecs."""
    books = CODECS if book == BEST else (book,)
    return total_bits(packings, DENSE) / min(total_bits(packings, name) for name in books)


def has_huffman(packings: Sequence[Packing]) -> bool:
    """Whether all of them know its size: files of earlier versions do not."""
    return all(HUFFMAN in packing.ledgers for packing in packings)
