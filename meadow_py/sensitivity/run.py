"""`sweep`: a profile that crosses many settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meadow_py.profiler import profile
from meadow_py.quantizers import Quantizer
from meadow_py.sensitivity.result import Sensitivity

BITS = (8, 4)


def sweep(
    model: Any,
    *,
    chunk_sizes: int | Sequence[int] = (1, 2, 3, 4, 6, 8),
    bits: int | Sequence[int] | None = None,
    granularity: str | Sequence[str] | None = None,
    quantizers: str | Quantizer | Sequence[str | Quantizer] | None = None,
    **options: Any,
) -> Sensitivity:
    """Cross chunk size, bits and granularity, and find the sweet spot of every kind of layer.

    Parameters
    ----------
    model : str, path, module, mapping or Checkpoint
        Whatever `open_checkpoint` opens, or an open checkpoint.
    chunk_sizes : int or sequence of int
        Codes per chunk, 1 to 16. Size 1 packs single codes.
    bits : int or sequence of int, optional
        Bits per code, 2 to 8; by default 8 and 4.
    granularity : str or sequence of str, optional
        What shares a scale: ``tensor``, ``row``, ``group:N``; by default the first two and
        ``group:128``.
    quantizers : str, Quantizer or sequence of these, optional
        Keys of quantisers in the place of `bits`, `granularity` and ``symmetric``; see `profile`.
    **options
        All others of `profile`: ``roles``, ``threads``, ``progress``, ``executor``, ``resume``,
        ``verify``, ``symmetric``, ``along``, and those of the hub.

    Raises
    ------
    ValueError, TypeError, FormatError, OSError
        As `profile` does.
    """
    if quantizers is None:
        bits = BITS if bits is None else bits
    made = profile(
        model,
        chunk_sizes=chunk_sizes,
        bits=bits,
        granularity=granularity,
        quantizers=quantizers,
        **options,
    )
    return Sensitivity(made)
