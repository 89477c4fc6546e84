"""Views that claim more than memory holds: reading them would write out every repeated value."""

from __future__ import annotations

from collections.abc import Sequence

# Below both limits a broadcast is ordinary (a scale along a row), and its copy costs little.
MOST_REPEATS = 64
SMALL = 2**26  # bytes


def refuse_giant_copy(
    name: str, shape: Sequence[int], strides: Sequence[int], itemsize: int
) -> None:
    """Raise ValueError if a view of few bytes would take a giant copy to read.

    Parameters
    ----------
    shape, strides : sequence of int
        Shape and strides of the view; strides in bytes.
    itemsize : int
        Bytes per value.
    """
    claimed = itemsize
    for size in shape:
        claimed *= size
    if claimed <= SMALL:
        return
    spans = ((size - 1) * abs(stride) for size, stride in zip(shape, strides, strict=True))
    stored = itemsize + sum(spans)
    if claimed > MOST_REPEATS * stored:
        raise ValueError(
            f"tensor {name!r} is a view of {stored} B that repeats them to {claimed} B: pass the "
            "values that it repeats, or a copy if you mean all of them"
        )
