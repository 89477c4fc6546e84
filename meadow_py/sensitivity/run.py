"""`sweep`: a profile that crosses many settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meadow_py.profiler import profile
from meadow_py.sensitivity.result import Sensitivity


def sweep(
    model: Any,
    *,
    chunk_sizes: int | Sequence[int] = (1, 2, 3, 4, 6, 8),
    bits: int | Sequence[int] = (8, 4),
    granularity: str | Sequence[str] = ("tensor", "row", "group:128"),
    **options: Any,
) -> Sensitivity:
    """Cross chunk size, bits and granularity, and find the sweet spot of every kind of layer.

    Parameters
    ----------
    model : str, path, module, mapping or Checkpoint
        Whatever `open_checkpoint` opens, or an open checkpoint.
    chunk_sizes : int or sequence of int
        Codes per chunk, 1 to 16. Size 1 packs single codes.
    bits : int or sequence of int
        Bits per code, 2 to 8.
    granularity : str or sequence of str
        What shares a scale: ``tensor``, ``row``, ``group:N``.
    **options
        All others of `profile`: ``roles``, ``threads``, ``progress``, ``executor``, ``resume``,
        ``verify``, ``symmetric``, ``along``, and those of the hub.

    Raises
    ------
    ValueError, TypeError, FormatError, OSError
        As `profile` does.
    """
    made = profile(model, chunk_sizes=chunk_sizes, bits=bits, granularity=granularity, **options)
    return Sensitivity(made)
