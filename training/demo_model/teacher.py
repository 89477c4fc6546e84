"""What a trigram model expects at each position: a target that knows what it has not seen.

A word that was read once after two others is a certainty to a network that learns it by heart, and
one guess among many to a smoothed count. Mixing the two is label smoothing by context; compare
Z. Xie and others, "Data noising as smoothing in neural network language models", ICLR 2017.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demo_model.trigram import NGrams, discounted

Ids = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]


class Teacher:
    """The whole distributions of a trigram model.

    Parameters
    ----------
    model : NGrams
        Of order 3.
    """

    def __init__(self, model: NGrams) -> None:
        self.vocabulary = model.vocabulary
        self.bigrams = model.table()
        self.order = model.orders[2]
        kept, taken = discounted(self.order, float(model.scales[2]))
        self.left = np.append(taken / self.order.totals, 1.0).astype(np.float32)
        of_gram = np.searchsorted(self.order.contexts, self.order.grams // self.vocabulary)
        self.kept = (kept / self.order.totals[of_gram]).astype(np.float32)

    def rows(self, before: Ids, last: Ids) -> Rows:
        """``[N, V]``: what follows each pair of tokens, in probabilities."""
        pairs = before * self.vocabulary + last
        at = np.minimum(np.searchsorted(self.order.contexts, pairs), len(self.order.contexts) - 1)
        at[self.order.contexts[at] != pairs] = len(self.left) - 1  # never seen: all is left
        made: Rows = self.bigrams[last] * self.left[at][:, None]
        starts = np.searchsorted(self.order.grams, pairs * self.vocabulary)
        counts = np.searchsorted(self.order.grams, (pairs + 1) * self.vocabulary) - starts
        row = np.repeat(np.arange(len(pairs)), counts)
        gram = np.arange(len(row)) + np.repeat(starts - np.cumsum(counts) + counts, counts)
        made[row, self.order.grams[gram] % self.vocabulary] += self.kept[gram]
        return made
