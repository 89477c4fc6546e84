"""The figures of a profile computed again in plain numpy, from the definitions."""

from __future__ import annotations

import numpy as np


def entropy(symbols: np.ndarray) -> float:
    """Order-0 entropy in bits per symbol; rows are symbols."""
    _, counts = np.unique(symbols, axis=0, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def quantized(weight: np.ndarray, bits: int, granularity: str) -> np.ndarray:
    """Symmetric codes of a float32 weight."""
    top = np.float32(2 ** (bits - 1) - 1)
    rows, columns = weight.shape
    per_scale = {"tensor": rows * columns, "row": columns}.get(granularity) or int(
        granularity.partition(":")[2]
    )
    assert granularity == "tensor" or columns % per_scale == 0
    grouped = weight.reshape(-1, per_scale)
    scales = np.abs(grouped).max(axis=1, keepdims=True) / top
    return np.clip(np.rint(grouped / scales), -top, top).astype(np.int8).reshape(rows, columns)


def cut(codes: np.ndarray, chunk: int) -> np.ndarray:
    """Chunks along the input dimension, the last of a row padded with zeros."""
    rows, columns = codes.shape
    padded = np.zeros((rows, -(-columns // chunk) * chunk), codes.dtype)
    padded[:, :columns] = codes
    return padded.reshape(-1, chunk)


def huffman_lengths(counts: np.ndarray) -> np.ndarray:
    """Code lengths by joining the two lightest groups of symbols until one is left."""
    groups = [(count, [n]) for n, count in enumerate(counts.tolist())]
    lengths = np.zeros(len(counts), int)
    while len(groups) > 1:
        groups.sort(key=lambda group: group[0])
        (light, some), (next_light, others), *rest = groups
        lengths[some + others] += 1
        groups = [(light + next_light, some + others), *rest]
    return lengths


def index_width(unique: int) -> int:
    """ceil(log2(unique)), exactly."""
    return (unique - 1).bit_length()


def limited_huffman_cost(counts: np.ndarray, longest: int) -> int:
    """Bits of the best prefix code whose codes have at most `longest` bits: package-merge.

    L. Larmore and D. Hirschberg (1990): of `longest` rows of coins, each the symbols and the pairs
    of the row before, the cheapest 2n - 2 of the last row are bought; a code is as long as its
    symbol is bought often.
    """
    singles = sorted(int(count) for count in counts if count)
    row = singles
    for _ in range(longest - 1):
        pairs = [a + b for a, b in zip(row[::2], row[1::2], strict=False)]
        row = sorted(singles + pairs)
    return sum(row[: 2 * len(singles) - 2])
