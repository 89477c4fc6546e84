"""Perplexity of a text, measured in overlapping windows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from meadow_py.jobs.progress import Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from meadow_py import _core

_PIECE = 128  # tokens whose logits are in memory at once


@dataclass(frozen=True)
class Perplexity:
    """How well a model predicts a text. ``float(...)`` is the value.

    Attributes
    ----------
    value : float
        ``exp(nll / tokens)``; infinity where that is beyond the largest float, about 1.8e308.
    nll : float
        The sum of the negative natural logarithms of the probabilities, in nats.
    tokens : int
        The number of predicted tokens: all except the first, and except the first of each window
        that does not overlap the one before.
    context : int
        The length of a window, in tokens.
    stride : int
        The distance from one window to the next, in tokens.
    """

    value: float
    nll: float
    tokens: int
    context: int
    stride: int

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return repr(self.value)


class _Window(NamedTuple):
    begin: int
    scored: int  # the first token that is predicted
    end: int


def perplexity_of(
    engine: _core.Engine,
    ids: Sequence[int],
    context: int,
    stride: int,
    threads: int = 0,
    progress: bool | None = None,
) -> Perplexity:
    """See `Model.perplexity`; `ids` are the tokens of the text.

    Returns
    -------
    Perplexity
        The value, and the counts behind it.

    Raises
    ------
    ValueError
        If there are fewer than two tokens, or `context` or `stride` is out of range.
    """
    from meadow_py import _core

    _check(engine, len(ids), context, stride)
    tokens = np.array(ids, np.int32)
    cache = _core.Cache(engine, min(context, len(ids)))
    sums, count = [], 0
    with Progress(len(ids), "perplexity", progress, unit="tok") as bar:
        reached = 0
        for window in _windows(len(ids), context, stride):
            for scores in _scores(engine, cache, tokens, window, threads):
                sums.extend(scores.tolist())
                count += len(scores)
            bar.advance(window.end - reached)
            reached = window.end
    nll = -math.fsum(sums)  # exactly rounded, whatever the order of the sums
    return Perplexity(_exponential(nll / count), nll, count, context, stride)


def _exponential(mean: float) -> float:
    try:
        return math.exp(mean)
    except OverflowError:
        return math.inf


def _check(engine: _core.Engine, length: int, context: int, stride: int) -> None:
    if length < 2:
        raise ValueError(f"text must have at least two tokens, not {length}.")
    if not 2 <= context <= engine.positions:
        raise ValueError(
            f"context must be from 2 to {engine.positions} tokens, the model's context, not "
            f"{context}."
        )
    if not 1 <= stride <= context:
        raise ValueError(f"stride must be from 1 to {context} tokens, the context, not {stride}.")


def _windows(length: int, context: int, stride: int) -> Iterator[_Window]:
    scored = 0
    for begin in range(0, length, stride):
        end = min(begin + context, length)
        yield _Window(begin, max(scored, begin + 1), end)
        scored = end
        if end == length:
            return


def _scores(
    engine: _core.Engine,
    cache: _core.Cache,
    tokens: npt.NDArray[np.int32],
    window: _Window,
    threads: int,
) -> Iterator[npt.NDArray[np.float64]]:
    """Logarithms of the probabilities of a window's tokens, in pieces."""
    from meadow_py import _core

    cache.truncate(0)
    before = tokens[window.begin : window.scored - 1]
    if len(before):
        engine.forward(before, cache, logits="none", threads=threads)
    for first in range(window.scored, window.end, _PIECE):
        last = min(first + _PIECE, window.end)
        logits = engine.forward(tokens[first - 1 : last - 1], cache, "all", threads=threads)
        yield _core.log_probabilities(logits, tokens[first:last], threads)
