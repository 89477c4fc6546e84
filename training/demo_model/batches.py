"""What each step reads, and what it should say: decided by the recipe, its seed and the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from demo_model.recipe import Phase, Recipe
from demo_model.teacher import Teacher
from demo_model.text import Corpus
from demo_model.tokenizer import END_ID, UNKNOWN_ID, encoded, with_fewer_merges
from demo_model.trigram import NGrams

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]
WIKI, PLAYS, PIECES = range(3)  # kinds of windows; pieces are not taught, their trigrams are others


class Batch(NamedTuple):
    """Windows ``[batch, length]`` and their kinds; each begins with ``</s>``."""

    windows: Ids
    kinds: Ids


class Batches:
    """The training text as windows, and the targets of their tokens."""

    def __init__(self, recipe: Recipe, texts: Corpus, tokenizer: Tokenizer) -> None:
        self.recipe = recipe
        splitting = with_fewer_merges(tokenizer, recipe.split_merges)
        both = (texts.wiki, texts.plays)
        self.whole = [encoded(tokenizer, documents) for documents in both]
        self.pieces = [encoded(splitting, documents) for documents in both]
        self.teachers = [
            Teacher(NGrams(stream, recipe.vocabulary))
            for stream in (self.whole[WIKI], np.concatenate(self.whole))
        ]

    def dropout_seed(self, step: int) -> int:
        """For torch, from a step to the next measurement."""
        return int(self._random(step).integers(2**31))

    def after(self, step: int) -> Iterator[Batch]:
        """The batches from a step to the next measurement."""
        phase = self.recipe.phase(step)
        random = self._random(step)
        random.integers(2**31)  # spent by `dropout_seed`
        for _ in range(self.recipe.measure_every - step % self.recipe.measure_every):
            drawn = [self._window(phase, random) for _ in range(phase.batch)]
            windows, kinds = zip(*drawn, strict=True)
            yield Batch(np.stack(windows), np.array(kinds))

    def targets(self, batch: Batch, taught: float) -> npt.NDArray[np.float32]:
        """``[batch x (length - 1), V]``: what each position but the last should say next.

        Parameters
        ----------
        batch : Batch
        taught : float
            The share of the trigram model's guess; the rest is the token that follows. Masked
            words have no target: their rows are zero.
        """
        following = batch.windows[:, 1:]
        made = np.zeros((*following.shape, self.recipe.vocabulary), np.float32)
        alone = np.ones(following.shape, np.float32)
        for kind, weights in ((WIKI, self.recipe.teachers), (PLAYS, (0.0, 1.0))):
            of_kind = np.flatnonzero(batch.kinds == kind)
            if taught and len(of_kind):
                # Not the first position: </s> stands before it, not the token of the text.
                made[of_kind, 1:] = self._guess(batch.windows[of_kind], weights) * taught
                alone[of_kind, 1:] = 1 - taught
        np.put_along_axis(
            made,
            following[..., None],
            np.take_along_axis(made, following[..., None], 2) + alone[..., None],
            2,
        )
        made[following == UNKNOWN_ID] = 0
        return made.reshape(-1, self.recipe.vocabulary)

    def _random(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, step])

    def _guess(self, windows: Ids, weights: tuple[float, float]) -> npt.NDArray[np.float32]:
        before, last = windows[:, :-2].ravel(), windows[:, 1:-1].ravel()
        pairs = zip(weights, self.teachers, strict=True)
        guess = sum(np.float32(weight) * t.rows(before, last) for weight, t in pairs if weight)
        return np.reshape(guess, (len(windows), -1, self.recipe.vocabulary))

    def _window(self, phase: Phase, random: np.random.Generator) -> tuple[Ids, int]:
        which = WIKI if random.random() < phase.wiki_share else PLAYS
        split_up = phase.split_share > 0 and random.random() < phase.split_share
        stream = (self.pieces if split_up else self.whole)[which]
        at = int(random.integers(len(stream) - phase.length))
        window = np.concatenate(([END_ID], stream[at : at + phase.length - 1]))
        return window, PIECES if split_up else which
