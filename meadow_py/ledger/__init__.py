"""Where every bit goes, and the floors below which no code of an alphabet gets.

A floor is the order-0 entropy of a named alphabet, per weight (Shannon, 1948).
"""

from meadow_py.ledger.floors import (
    chunk_floor,
    fields_floor,
    index_only,
    joint_floor,
    symbol_counts,
    symbol_floor,
)
from meadow_py.ledger.ledger import (
    HUFFMAN_LENGTH_BITS,
    Ledger,
    blob_ledger,
    dense_ledger,
    plain_huffman_ledger,
    stream_ledger,
)

__all__ = [
    "HUFFMAN_LENGTH_BITS",
    "Ledger",
    "blob_ledger",
    "chunk_floor",
    "dense_ledger",
    "fields_floor",
    "index_only",
    "joint_floor",
    "plain_huffman_ledger",
    "stream_ledger",
    "symbol_counts",
    "symbol_floor",
]
