"""Bits added up over the weights that a row, a bar or a point stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meadow_py.codecs import CODECS
from meadow_py.profiler import WeightPacking, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.views.plots.selection import named

BEST = "best"
HUFFMAN = "plain_huffman"
STORAGE = "storage"
DENSE = "dense"


@dataclass(frozen=True)
class PackingTotal:
    """Weights packed by one codec with one chunk size.

    Attributes
    ----------
    codec : str
    packings : tuple of WeightPacking
        One per weight.
    bits : int
        Total of all of them, everything counted.
    """

    codec: str
    packings: tuple[WeightPacking, ...]
    bits: int

    @property
    def title(self) -> str:
        """``re-indexed C=2``."""
        return f"{CODECS[self.codec].title} C={self.packings[0].chunk_size}"


def codecs_of(codec: str) -> tuple[str, ...]:
    """The codecs that an option stands for: ``best`` means all of them."""
    named("codec", codec, [BEST, *CODECS])
    return tuple(CODECS) if codec == BEST else (codec,)


def codec_title(codec: str) -> str:
    """The choice of a codec, as titles name it."""
    if codec == BEST:
        return f"smallest of {', '.join(c.title for c in CODECS.values())}"
    return f"packed by {CODECS[codec].title}"


def total_bits(packings: Sequence[WeightPacking], book: str) -> int:
    """Bits of a codec, ``dense`` or ``plain_huffman``, everything counted."""
    return sum(packing.ledgers[book].total for packing in packings)


def smallest(weights: Sequence[WeightProfile], quantizer: str, codec: str = BEST) -> PackingTotal:
    """The one codec and chunk size that make all of `weights` together the smallest."""
    made = [packings_of(weight, quantizer) for weight in weights]
    stored = [
        PackingTotal(name, packings, total_bits(packings, name))
        for packings in zip(*made, strict=True)
        for name in codecs_of(codec)
    ]
    return min(stored, key=lambda entry: entry.bits)


def ratio(packings: Sequence[WeightPacking], codec: str) -> float:
    """How many times smaller than dense; ``best`` is the smallest of the codecs."""
    packed = min(total_bits(packings, name) for name in codecs_of(codec))
    return total_bits(packings, DENSE) / packed


def known_bits(packings: Sequence[WeightPacking], book: str) -> int | None:
    """The same of ``plain_huffman`` or ``storage``; None in older files, which lack them."""
    known = all(book in packing.ledgers for packing in packings)
    return total_bits(packings, book) if known else None


def known_ratio(packings: Sequence[WeightPacking], book: str) -> float | None:
    """How many times smaller than dense such a form is."""
    bits = known_bits(packings, book)
    return None if bits is None else total_bits(packings, DENSE) / bits


def floor_bits(weights: Sequence[WeightProfile], packings: Sequence[WeightPacking]) -> float:
    """Entropy of single codes, and the scales beside them."""
    keys = ("floor_symbol", "scales")
    return sum(
        weight.count * sum(packing.bits_per_weight[key] for key in keys)
        for weight, packing in zip(weights, packings, strict=True)
    )


def per_weight(bits: float, weights: Sequence[WeightProfile]) -> float:
    """Bits per weight."""
    return bits / sum(weight.count for weight in weights)
