"""How to read the tables: the meaning of every heading."""

from __future__ import annotations

from collections.abc import Iterable

from meadow_py.views.html.markup import Markup, element, join

Term = tuple[str, str]

TERMS: tuple[Term, ...] = (
    ("weight", "A logical [out, in] matrix of the model. Its codes are packed alone."),
    (
        "scales",
        "The values that share a quantisation scale: a whole weight (tensor), a row, or a group of "
        "neighbouring inputs of a row (group). Weights stored as integer codes keep their codes.",
    ),
    (
        "C",
        "Codes per chunk. The distinct chunks are the dictionary; an index into it stands for "
        "every chunk.",
    ),
    (
        "b/w",
        "Bits per weight, that is per number, with dictionary, modes, headers, padding and scales "
        "counted. Dense: the same codes as they are, with scales.",
    ),
    (
        "ratio",
        "Dense size over packed size. 1.40x: 1.40 times smaller; below 1.00x it is larger. The bar "
        "is the packed size, the line dense: a bar that crosses the line is a loss. It ends at 1.5 "
        "times dense.",
    ),
    ("symbol floor", "Entropy of single codes in bits per weight, without scales."),
    (
        "storage",
        "The codes under the storage codec, which uses rANS, Huffman or raw bits, whichever is "
        "smallest: the attainable size. Heads, tables, checksums and scales are counted.",
    ),
    (
        "Huffman",
        "The codes under one canonical Huffman code of at most 12 bits for each weight, in streams "
        "that decode side by side. Heads, tables, checksums and scales are counted.",
    ),
    (
        "plain Huffman",
        "One Huffman code of single codes for each weight, in b/w, table and scales counted, "
        "computed without coding anything: the form that every packing has to beat.",
    ),
    (
        "sweet spot",
        "The packing with the fewest b/w; none where dense, or plain Huffman, is smaller.",
    ),
    (
        "dictionary not counted",
        "Ratio of dense to indices of one fixed width and scales (in JSON index_only + scales). "
        "Papers quote it, but nothing can be decoded without the dictionary.",
    ),
    (
        "SNR",
        "Signal to quantisation noise, the lowest of the weights. Packing itself loses nothing.",
    ),
    ("chunks per distinct", "Chunks for each entry of the dictionary. It counts no bits."),
    (
        "buffer",
        "On-chip memory that holds one dictionary at a time, large enough for 50, 95 or 100 % of "
        "the weights.",
    ),
)


PRODUCT_TERMS: tuple[Term, ...] = (
    (
        "fields floor",
        "Entropy of sign, exponent and mantissa of the weight as stored, bits per weight.",
    ),
    (
        "dense, packed",
        "What a product with one vector reads for each weight of F32, BF16 or F16, and the "
        "microseconds that it takes: dense as stored, and packed without loss, decoded inside the "
        "product. Timed in turn, medians; copies of small weights take turns, so that each is read "
        "from memory and not from a cache. Both give the same bits.",
    ),
    (
        "byte ratio, speed",
        "How many times fewer bytes the packed product reads, and how many times faster it is. "
        "Where memory is the limit, speed comes near the byte ratio.",
    ),
)


SWEEP_TERMS: tuple[Term, ...] = (
    (
        "at no lower SNR than",
        "The quality that must be kept, given by one way of quantising: no weight of the role may "
        "lose SNR against it.",
    ),
    (
        "dense, plain Huffman, packed",
        "The smallest of their kind among all ways of quantising of the sweep that keep it, "
        "everything counted. The sweet spot is the packing, where it is smaller than both others.",
    ),
    (
        "smallest of the three",
        "Of dense, plain Huffman and packed. Its ratio and bar are against the dense form of the "
        "way of quantising that gives the quality.",
    ),
    (
        "storage",
        "The smallest size under the storage codec among these ways of quantising: the attainable "
        "size. It does not count in the search for a sweet spot.",
    ),
)


def terms(listed: Iterable[Term]) -> Markup:
    """Headings and what they mean."""
    shown = join(element("dt", term) + element("dd", meaning) for term, meaning in listed)
    return element("dl", Markup(f"\n{shown}\n"), kind="terms")
