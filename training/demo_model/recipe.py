"""Every choice of the recipe, in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """The model, and how it learns. Defaults are the recipe of the demo model."""

    vocabulary: int = 320
    layers: int = 4
    width: int = 192
    heads: int = 4
    inner: int = 768
    context: int = 384  # tokens, the leading </s> among them

    dropout: float = 0.2  # real OPT: 0.1; this text is a hundred thousand times smaller
    steps: int = 4000
    batch: int = 6  # windows of the whole context
    wiki_share: float = 0.8  # of the windows; the others are plays
    decay: float = 0.1  # of matrices
    warm_up: int = 100  # steps
    cool_down: float = 0.45  # of the steps
    peak_rate: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.95)  # of AdamW, as real OPT's
    clip: float = 1.0
    averaging: float = 0.998  # of the weights that are measured and stored
    measure_every: int = 100  # steps
    seed: int = 20250311

    @property
    def tokens(self) -> int:
        """That the run reads, each window's ``</s>`` among them."""
        return self.steps * self.batch * self.context

    def spelled(self) -> dict[str, Any]:
        """As plain numbers and tuples: what a state file holds."""
        return dataclasses.asdict(self)
