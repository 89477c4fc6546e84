"""Every operation of a pass through a block, the embedding and the head, counted exactly.

docs/simulation.md states how softmax, norms and activations are counted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from meadow_py.workload.model_shape import ModelShape
from meadow_py.workload.precision import Precision
from meadow_py.workload.reader import shape_of
from meadow_py.workload.result import Count, Layer, Operation, Workload

# Operations per value. softmax: maximum, subtraction, exponential, sum, division. norm: mean,
# variance (two), normalisation (two), scale and shift. activation: one table look-up or clamp.
SOFTMAX_OPERATIONS = 5
NORM_OPERATIONS = 7
ACTIVATION_OPERATIONS = 1

ATTENTION_CORE = ("attention.q", "attention.scores", "attention.softmax", "attention.values")
"""What TPHS runs as one pipeline."""


class Pass:
    """One pass over the new tokens of every sequence; tokens and context may be arrays.

    Parameters
    ----------
    shape : ModelShape
    tokens, context : int or int64 array
        New tokens of each sequence, and tokens already in its KV cache.
    batch : int
    masked : bool
        Whether scores that the causal mask hides are skipped, rather than computed and discarded.
    """

    def __init__(
        self, shape: ModelShape, tokens: Count, context: Count, batch: int, masked: bool = True
    ) -> None:
        self.shape = shape
        self.tokens, self.context, self.batch = tokens, context, batch
        self.masked = masked and not shape.encoder
        self.all_tokens = tokens * batch

    def block(self, layer: int = 0) -> tuple[Operation, ...]:
        """The operations of one block, in order."""
        s = self.shape
        attention = (
            self._norm(),
            self._linear("attention.q", s.hidden, s.query_width),
            self._key_value("attention.k"),
            self._key_value("attention.v"),
            *self._attention(s.windows[layer] if s.windows else 0),
            self._linear("attention.o", s.query_width, s.hidden),
            self._residual(),
        )
        return (*attention, self._norm(), *self._mlp(), self._residual())

    def embedding(self) -> Layer:
        """Look-up in the token embedding, or the product of an image's patches with its weights."""
        s, tokens = self.shape, self.all_tokens
        if s.patch_values:
            added = (s.fixed_tokens or 0) - math.isqrt(s.fixed_tokens or 0) ** 2  # class token
            patches = Pass(s, _at_least(self.tokens - added, 1), 0, self.batch)
            return Layer("embedding", (patches._linear("embedding", s.patch_values, s.hidden),))
        width = s.embedding_width or s.hidden
        looked_up = Operation("embedding", "lookup", 0, 0, 0, tokens * width, tokens * width)
        return Layer("embedding", (looked_up, *self._projected("embedding.in", width, s.hidden)))

    def head(self, last_only: bool = True) -> Layer:
        """The last norm and the head, for the last token of each sequence or for all."""
        s = self.shape
        width = s.embedding_width or s.hidden
        last = Pass(s, 1, self.context, self.batch) if last_only else self
        projected = last._projected("head.out", s.hidden, width)
        return Layer("head", (last._norm(), *projected, last._linear("head", width, s.vocab)))

    def pairs(self, window: int = 0) -> Count:
        """Number of scores of one head in one sequence."""
        tokens, context = self.tokens, self.context
        if not self.masked:
            return tokens * self.seen(window)
        full = tokens * context + tokens * (tokens + 1) // 2
        if not window:
            return full
        # Token i of the pass sees min(context + i, window) tokens; subtract those past the window.
        lost = _triangle(context + tokens - window) - _triangle(context - window)
        return full - lost

    def seen(self, window: int = 0) -> Count:
        """Number of keys of one head that at least one token of the pass sees."""
        total = self.context + self.tokens
        if not window:
            return total
        return -_at_least(-total, -(window + self.tokens - 1))

    def _linear(self, name: str, inputs: int, outputs: int) -> Operation:
        tokens = self.all_tokens
        weights = inputs * outputs
        return Operation(
            name, "linear", tokens * weights, 0, weights, tokens * inputs, tokens * outputs
        )

    def _projected(self, name: str, inputs: int, outputs: int) -> tuple[Operation, ...]:
        """The projection between two widths, or nothing if they are the same."""
        return () if inputs == outputs else (self._linear(name, inputs, outputs),)

    def _key_value(self, name: str) -> Operation:
        s, tokens = self.shape, self.all_tokens
        weights = s.hidden * s.kv_width
        written = tokens * s.kv_width
        return Operation(
            name, "linear", tokens * weights, 0, weights, tokens * s.hidden, 0, kv_written=written
        )

    def _attention(self, window: int) -> tuple[Operation, ...]:
        s, tokens = self.shape, self.all_tokens
        scores = self.pairs(window) * s.heads * self.batch
        cache = self.seen(window) * s.kv_width * self.batch
        wide = tokens * s.query_width
        macs = scores * s.head_dim
        return (
            Operation("attention.scores", "attention", macs, 0, 0, wide, scores, cache),
            Operation(
                "attention.softmax", "softmax", 0, SOFTMAX_OPERATIONS * scores, 0, scores, scores
            ),
            Operation("attention.values", "attention", macs, 0, 0, scores, wide, cache),
        )

    def _mlp(self) -> tuple[Operation, ...]:
        s, values = self.shape, self.all_tokens * self.shape.intermediate
        # A gated MLP also multiplies the activated gate by the output of `up`.
        count, inputs = (2, 2 * values) if s.gated else (1, values)
        activation = ACTIVATION_OPERATIONS * values + (count - 1) * values
        gate = (self._linear("mlp.gate", s.hidden, s.intermediate),) if s.gated else ()
        return (
            *gate,
            self._linear("mlp.up", s.hidden, s.intermediate),
            Operation("mlp.activation", "elementwise", 0, activation, 0, inputs, values),
            self._linear("mlp.down", s.intermediate, s.hidden),
        )

    def _norm(self) -> Operation:
        values = self.all_tokens * self.shape.hidden
        return Operation("norm", "elementwise", 0, NORM_OPERATIONS * values, 0, values, values)

    def _residual(self) -> Operation:
        values = self.all_tokens * self.shape.hidden
        return Operation("residual", "elementwise", 0, values, 0, 2 * values, values)


def _triangle(last: Count) -> Count:
    """Sum of 1 to `last`; 0 if `last` is negative."""
    kept = _at_least(last, 0)
    return kept * (kept + 1) // 2


def _at_least(value: Count, least: Count) -> Count:
    """The larger value; exact for Python integers, which have no upper limit."""
    if isinstance(value, int) and isinstance(least, int):
        return max(value, least)
    return np.maximum(value, least)


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
        raise ValueError(f"context: expected 0 or more tokens, found {before}")
    if batch < 1:
        raise ValueError(f"batch: expected at least 1 sequence, found {batch}")
    if shape.encoder and int(np.max(context)):
        raise ValueError(f"context: {shape.name} is an encoder and keeps no context; expected 0")
