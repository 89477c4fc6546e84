"""The model to beat: interpolated modified Kneser-Ney, as strong as this text allows.

S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling",
TR-10-98, Harvard, 1998, section 3.2 (Kneser-Ney, modified, interpolated at every order).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from demo_model.text import Corpus
from demo_model.tokenizer import UNKNOWN_ID, encoded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SCALES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)  # of the discounts that the formula proposes


class Order(NamedTuple):
    """What is known of n-grams of one length; n-grams and contexts are numbers in base V."""

    grams: Ids  # sorted
    counts: Ids  # of each gram: occurrences at the highest order, distinct left neighbours below
    contexts: Ids  # sorted
    totals: Ids  # of each context: the sum of the counts of its grams
    kinds: npt.NDArray[np.int64]  # of each context: how many grams were counted 1, 2, 3 or more

    def discounts(self) -> Floats:
        """D1, D2, D3+ by Chen and Goodman's equation 26."""
        of = [max(1, int((self.counts == n).sum())) for n in (1, 2, 3, 4)]
        y = of[0] / (of[0] + 2 * of[1])
        return np.array([n - (n + 1) * y * of[n] / of[n - 1] for n in (1, 2, 3)])


class NGrams:
    """An interpolated modified Kneser-Ney model of up to `order` tokens.

    Parameters
    ----------
    stream : array of int64
        Token ids. Masked words are context, but are never foretold.
    vocabulary : int
        V. The lowest order is mixed with the uniform distribution over V tokens.
    order : int
        3 is a trigram.
    """

    def __init__(self, stream: Ids, vocabulary: int, order: int = 3) -> None:
        if vocabulary**order >= 2**63:
            raise ValueError(f"n-grams of {order} among {vocabulary} tokens do not fit in 63 bits")
        self.vocabulary = vocabulary
        self.orders = self._counted(stream, order)
        self.scales = np.ones(order)

    def probabilities(self, stream: Ids) -> Floats:
        """Of each token of a stream, given those before it."""
        order = len(self.orders)
        padded = np.concatenate((np.full(order - 1, stream[0]), stream))
        found = np.full(len(stream), 1 / self.vocabulary)
        for length, scale in zip(range(1, order + 1), self.scales, strict=True):
            grams = _numbers(padded[order - length :], length, self.vocabulary)
            found = _interpolated(self.orders[length - 1], grams, self.vocabulary, scale, found)
        return found

    def table(self) -> npt.NDArray[np.float32]:
        """``[V, V]``: of each token after each single token, by all orders but the highest."""
        grams = np.arange(self.vocabulary**2)
        found = np.full(len(grams), 1 / self.vocabulary)
        for length, scale in zip((1, 2), self.scales, strict=False):
            lower = grams % self.vocabulary**length
            found = _interpolated(self.orders[length - 1], lower, self.vocabulary, scale, found)
        return found.reshape(self.vocabulary, -1).astype(np.float32)

    def tune(self, stream: Ids) -> None:
        """Choose the scale of each order's discounts that foretells a stream best."""
        for _ in range(2):
            for order in range(len(self.scales)):
                self.scales[order] = min(SCALES, key=lambda s: self._cost(stream, order, s))

    def _cost(self, stream: Ids, order: int, scale: float) -> float:
        self.scales[order] = scale
        return nats(self.probabilities(stream), stream)

    def _counted(self, stream: Ids, order: int) -> list[Order]:
        made: list[Order] = []
        grams, counts = np.unique(
            _foretold(_numbers(stream, order, self.vocabulary), self.vocabulary),
            return_counts=True,
        )
        for length in range(order, 0, -1):
            made.append(_order(grams, counts, self.vocabulary))
            # Continuation counts: in how many distinct longer grams it ends.
            grams, counts = np.unique(grams % self.vocabulary ** (length - 1), return_counts=True)
        return made[::-1]


class Baseline:
    """Two n-gram models, of all training text and of its encyclopaedia articles alone, mixed.

    Everything that can be chosen is chosen on the selection slice: how much each order is
    discounted, and the weights of the mixture.
    """

    def __init__(self, tokenizer: Tokenizer, texts: Corpus, order: int = 3) -> None:
        vocabulary = tokenizer.get_vocab_size()
        selection = encoded(tokenizer, texts.selection)
        training = (texts.wiki + texts.plays, texts.wiki)
        self.parts = [NGrams(encoded(tokenizer, t), vocabulary, order) for t in training]
        for part in self.parts:
            part.tune(selection)
        self.weights = mixture([part.probabilities(selection) for part in self.parts], selection)

    def nats(self, stream: Ids) -> float:
        """The sum of the negative log-likelihoods of a stream's tokens."""
        return nats(self.weights @ np.stack([p.probabilities(stream) for p in self.parts]), stream)

    def perplexity(self, stream: Ids) -> float:
        """Per token."""
        return math.exp(self.nats(stream) / int((stream != UNKNOWN_ID).sum()))


def nats(probabilities: Floats, stream: Ids) -> float:
    """The sum of negative log-likelihoods of the tokens of a stream that are no masked words."""
    return float(-np.log(probabilities[stream != UNKNOWN_ID]).sum())


def mixture(parts: list[Floats], stream: Ids) -> Floats:
    """The weights of models that foretell a stream best, by expectation maximisation.

    Parameters
    ----------
    parts : list of arrays
        Each model's probabilities of the tokens of the stream.
    stream : array of int64
    """
    known = np.stack(parts)[:, stream != UNKNOWN_ID]
    weights = np.full(len(parts), 1 / len(parts))
    for _ in range(200):
        shares = weights[:, None] * known
        weights = (shares / shares.sum(0)).mean(1)
    return weights


def _numbers(stream: Ids, length: int, vocabulary: int) -> Ids:
    """Each run of `length` tokens as one number; the last token is the lowest digit."""
    count = len(stream) - length + 1
    made = np.zeros(count, np.int64)
    for at in range(length):
        made = made * vocabulary + stream[at : at + count]
    return made


def _foretold(grams: Ids, vocabulary: int) -> Ids:
    return grams[grams % vocabulary != UNKNOWN_ID]


def _order(grams: Ids, counts: Ids, vocabulary: int) -> Order:
    contexts, where = np.unique(grams // vocabulary, return_inverse=True)
    totals = np.bincount(where, weights=counts).astype(np.int64)
    of_each = [np.bincount(where[_kind(counts) == k], minlength=len(contexts)) for k in range(3)]
    return Order(grams, counts, contexts, totals, np.stack(of_each, 1))


def _kind(counts: Ids) -> Ids:
    return np.minimum(counts, 3) - 1


def discounted(order: Order, scale: float) -> tuple[Floats, Floats]:
    """The count of each gram less its discount, and what was taken from each context."""
    discounts = np.clip(order.discounts() * scale, 0.01, [0.99, 1.99, 2.99])
    return order.counts - discounts[_kind(order.counts)], order.kinds @ discounts


def _interpolated(order: Order, grams: Ids, vocabulary: int, scale: float, lower: Floats) -> Floats:
    """``(c - D) / total + (what D took) / total * lower``; `lower` for an unseen context."""
    of_grams, of_contexts = discounted(order, scale)
    kept = _looked_up(order.grams, of_grams, grams)
    contexts = grams // vocabulary
    totals = _looked_up(order.contexts, order.totals, contexts)
    taken = _looked_up(order.contexts, of_contexts, contexts)
    seen = totals > 0
    made = lower.copy()
    made[seen] = (kept[seen] + taken[seen] * lower[seen]) / totals[seen]
    return made


def _looked_up(keys: Ids, values: npt.NDArray[np.generic], wanted: Ids) -> npt.NDArray[np.generic]:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
