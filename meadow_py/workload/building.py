"""`of`: the workload of one pass over a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from meadow_py.workload.model_shape import ModelShape
from meadow_py.workload.operations import Pass
from meadow_py.workload.precision import Precision
from meadow_py.workload.reading import shape_of
from meadow_py.workload.result import Count, Layer, Workload


def of(
    model: Any,
    *,
    tokens: Count,
    context: Count = 0,
    batch: int = 1,
    precision: Precision | str = "w8a8",
    masked: bool = True,
    head: bool = True,
) -> Workload:
    """Count the operations and bytes of one pass over a model; no weight is read.

    Parameters
    ----------
    model
        Anything `shape_of` takes.
    tokens : int or int64 array
        New tokens of each sequence: those of the prompt in prefill, 1 for a decoded token.
    context : int or int64 array
        Tokens already in the KV cache.
    batch : int
        Number of sequences processed together; weights are read once for all of them.
    precision : Precision or str
        Bits of weights, activations and the KV cache, such as ``"w8a8"``.
    masked : bool
        Count only the scores that the causal mask lets through. False counts all of them, as for
        an array that does not skip.
    head : bool
        Count the head too, which runs only for the last token of each sequence.

    Returns
    -------
    Workload

    Raises
    ------
    TypeError
        For counts that are not whole numbers.
    ValueError
        For counts that are out of range, and for an encoder with a context.
    """
    shape = shape_of(model)
    _check(shape, tokens, context, batch)
    one = Pass(shape, tokens, context, batch, masked)
    blocks = {window: one.block(layer) for layer, window in enumerate(shape.windows)}
    plain = one.block() if not shape.windows else ()
    layers = [
        Layer(f"layers.{n}", blocks[shape.windows[n]] if shape.windows else plain)
        for n in range(shape.layers)
    ]
    last = (one.head(),) if head and shape.vocab else ()
    bits = Precision.parse(precision)
    return Workload(shape, tokens, context, batch, bits, (one.embedding(), *layers, *last))


def _check(shape: ModelShape, tokens: Count, context: Count, batch: int) -> None:
    for name, value in (("tokens", tokens), ("context", context), ("batch", batch)):
        if np.asarray(value).dtype.kind not in "iu":
            raise TypeError(f"{name}: expected whole numbers, found {value!r}")
    least, before = int(np.min(tokens)), int(np.min(context))
    if least < 1:
        raise ValueError(f"tokens: expected at least 1, found {least}")
    if before < 0:
        raise ValueError(f"context: expected no negative number of tokens, found {before}")
    if batch < 1:
        raise ValueError(f"batch: expected at least 1 sequence, found {batch}")
    if shape.encoder and int(np.max(context)):
        raise ValueError(f"context: {shape.name} is an encoder and keeps no context; expected 0")
