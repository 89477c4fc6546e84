"""What each step reads: decided by the recipe, its seed and the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from demo_model.recipe import Recipe
from demo_model.text import Corpus
from demo_model.tokenizer import END_ID, encoded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]


class Batches:
    """The training text as windows of the context's length; each begins with ``</s>``."""

    def __init__(self, recipe: Recipe, texts: Corpus, tokenizer: Tokenizer) -> None:
        self.recipe = recipe
        self.wiki, self.plays = (encoded(tokenizer, d) for d in (texts.wiki, texts.plays))

    def dropout_seed(self, step: int) -> int:
        """For torch, from a step to the next measurement."""
        return int(self._random(step).integers(2**31))

    def after(self, step: int) -> Iterator[Ids]:
        """Batches ``[batch, context]`` from a step to the next measurement."""
        random = self._random(step)
        random.integers(2**31)  # spent by `dropout_seed`
        for _ in range(self.recipe.measure_every - step % self.recipe.measure_every):
            yield np.stack([self._window(random) for _ in range(self.recipe.batch)])

    def _random(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, step])

    def _window(self, random: np.random.Generator) -> Ids:
        stream = self.wiki if random.random() < self.recipe.wiki_share else self.plays
        at = int(random.integers(len(stream) - self.recipe.context))
        return np.concatenate(([END_ID], stream[at : at + self.recipe.context - 1]))
