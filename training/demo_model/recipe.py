"""Every choice of the recipe, in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple


class Phase(NamedTuple):
    """A part of the training run, up to a step."""

    until: int
    batch: int  # windows
    length: int  # of a window in tokens, the leading </s> among them
    wiki_share: float  # of the windows; the others are plays
    split_share: float  # of the windows; their words come in pieces, see `split_merges`
    decay: float  # of matrices
    taught: float  # the share of a target that is the trigram model's guess, see teacher.py


@dataclass(frozen=True)
class Recipe:
    """The model, and how it learns. Defaults are the recipe of the demo model."""

    vocabulary: int = 2048
    layers: int = 4
    width: int = 256
    heads: int = 4
    inner: int = 1024
    context: int = 256  # tokens, the leading </s> among them

    dropout: float = 0.2  # real OPT: 0.1; this text is a hundred thousand times smaller
    split_merges: int = 600  # that are left where words come in pieces
    phases: tuple[Phase, ...] = (
        Phase(1000, 8, 256, wiki_share=0.7, split_share=0.0, decay=0.1, taught=0.0),
        Phase(1800, 16, 128, wiki_share=0.8, split_share=0.15, decay=0.2, taught=0.7),
        Phase(2100, 8, 256, wiki_share=0.8, split_share=0.1, decay=0.2, taught=0.7),
    )
    teachers: tuple[float, float] = (0.75, 0.25)  # trigrams of articles, of all text; plays: all
    cool_down: float = 0.25  # of the steps

    warm_up: int = 100  # steps
    peak_rate: float = 3e-3
    betas: tuple[float, float] = (0.9, 0.95)  # of AdamW, as real OPT's
    clip: float = 1.0
    averaging: float = 0.998  # of the weights that are measured and stored
    measure_every: int = 100  # steps
    seed: int = 20250311

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.phases[-1].until

    @property
    def tokens(self) -> int:
        """That the run reads, each window's ``</s>`` among them."""
        starts = (0, *(phase.until for phase in self.phases))
        return sum(
            (phase.until - start) * phase.batch * phase.length
            for start, phase in zip(starts, self.phases, strict=False)
        )

    def spelled(self) -> dict[str, Any]:
        """As plain numbers, tuples and dicts: what a state file holds."""
        phases = [tuple(phase) for phase in self.phases]
        return {**dataclasses.asdict(self), "phases": phases}

    def phase(self, step: int) -> Phase:
        """The one that a step, counted from 0, belongs to."""
        return next(phase for phase in self.phases if step < phase.until)
