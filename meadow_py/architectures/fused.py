"""How one stored matrix holds several weights.

A split takes the model's sizes and the number of rows of the `[rows, in]` matrix. It returns the
parts in stored order, or None if they cannot be determined; the tensor then stays whole.
"""

from __future__ import annotations

from collections.abc import Callable

from meadow_py.architectures.dimensions import Dimensions
from meadow_py.architectures.weight import Part, Role

Split = Callable[[Dimensions, int], "tuple[Part, ...] | None"]

ROLE_OF_PART: dict[str, Role] = {
    "q": "attention.q",
    "k": "attention.k",
    "v": "attention.v",
    "gate": "mlp.gate",
    "up": "mlp.up",
}


def qkv_thirds(_: Dimensions, rows: int) -> tuple[Part, ...] | None:
    """All queries, all keys, all values, of equal size (GPT-2, Qwen 1)."""
    return _equal(("q", "k", "v"), 1, rows)


def qkv_by_heads(sizes: Dimensions, rows: int) -> tuple[Part, ...] | None:
    """All queries, all keys, all values, with fewer KV heads than heads (Phi-3, GGUF)."""
    if not (sizes.heads and sizes.kv_heads and sizes.head_dim):
        return None
    queries, keys = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    if rows != queries + 2 * keys:
        return None
    return _consecutive((("q", queries), ("k", keys), ("v", keys)), 1)


def qkv_per_head(sizes: Dimensions, rows: int) -> tuple[Part, ...] | None:
    """`[heads, 3, head_dim]` rows: q, k, v of the first head, then of the next (GPT-NeoX)."""
    return _equal(("q", "k", "v"), sizes.heads, rows) if sizes.heads else None


def gate_up_halves(_: Dimensions, rows: int) -> tuple[Part, ...] | None:
    """The gate, then the up projection (Phi-3)."""
    return _equal(("gate", "up"), 1, rows)


def gate_up_if_doubled(sizes: Dimensions, rows: int) -> tuple[Part, ...] | None:
    """The gate, then the up projection, where there are twice the rows of one."""
    doubled = sizes.intermediate is not None and rows == 2 * sizes.intermediate
    return gate_up_halves(sizes, rows) if doubled else None


def _equal(labels: tuple[str, ...], groups: int, rows: int) -> tuple[Part, ...] | None:
    size, rest = divmod(rows, groups * len(labels))
    return None if rest else _consecutive(tuple((label, size) for label in labels), groups)


def _consecutive(sizes: tuple[tuple[str, int], ...], groups: int) -> tuple[Part, ...]:
    total = sum(size for _, size in sizes)
    parts, start = [], 0
    for label, size in sizes:
        parts.append(Part(label, groups, total, start, start + size))
        start += size
    return tuple(parts)
