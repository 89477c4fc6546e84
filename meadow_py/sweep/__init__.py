"""`sweep`: the way of quantising and packing that suits each kind of layer.

The package itself is callable as `sweep`, because ``meadow_py.sweep`` is the name of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meadow_py.names import make_callable
from meadow_py.profiler import profile
from meadow_py.quantizers import Quantizer
from meadow_py.sweep.result import Sensitivity
from meadow_py.sweep.sweet_spots import Choice, SweetSpot

__all__ = ["Choice", "Sensitivity", "SweetSpot", "sweep"]

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
    """Try all combinations of settings, and find the sweet spot of every kind of layer.

    Parameters
    ----------
    model : str, path, module, mapping or Checkpoint
        Anything that `open_checkpoint` opens, or an open checkpoint.
    chunk_sizes : int or sequence of int
        Codes per chunk, 1 to 16. Size 1 packs single codes.
    bits : int or sequence of int, optional
        Bits per code, 2 to 8; by default 8 and 4.
    granularity : str or sequence of str, optional
        Which numbers share a scale: ``tensor``, ``row`` or ``group:N``; by default ``tensor``,
        ``row`` and ``group:128``.
    quantizers : str, Quantizer or sequence of these, optional
        Quantisers or their keys, in place of `bits`, `granularity` and ``symmetric``; see
        `profile`.
    **options
        The other options of `profile`: ``roles``, ``threads``, ``progress``, ``executor``,
        ``resume``, ``verify``, ``measure``, ``symmetric``, ``along``, and those for hubs.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ValueError, TypeError, FormatError, OSError
        As for `profile`.
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


make_callable(__name__, sweep)
