"""Held-out figures: the stored OPT and the trigram model on the same tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from demo_model.model import score
from demo_model.tokenizer import encoded
from demo_model.trigram import Baseline

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import OPTForCausalLM

STRIDE = 128  # a token is foretold from at least 127 tokens before it, where there are so many
PART = 3  # articles, that a test can measure again in seconds


@dataclass(frozen=True)
class Figures:
    """One text, foretold by both models.

    Attributes
    ----------
    tokens, size : int
        Of the text; `size` in bytes of UTF-8.
    perplexity, disjoint, trigram : float
        Per token: OPT with a window that slides by `STRIDE`, OPT with windows that do not
        overlap, and the baseline.
    bits_per_byte, trigram_bits_per_byte : float
    """

    tokens: int
    size: int
    perplexity: float
    disjoint: float
    trigram: float

    @property
    def bits_per_byte(self) -> float:
        """Of OPT."""
        return self._per_byte(self.perplexity)

    @property
    def trigram_bits_per_byte(self) -> float:
        """Of the baseline."""
        return self._per_byte(self.trigram)

    def _per_byte(self, perplexity: float) -> float:
        return math.log2(perplexity) * self.tokens / self.size


def stored(folder: Path) -> OPTForCausalLM:
    """The model as it is stored; its F16 weights are multiplied in F32."""
    from transformers import OPTForCausalLM

    return OPTForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)


def figures(
    model: OPTForCausalLM, baseline: Baseline, tokenizer: Tokenizer, documents: Sequence[str]
) -> Figures:
    """Measure both models on a text without masked words."""
    stream = encoded(tokenizer, documents)
    return Figures(
        tokens=len(stream),
        size=sum(len(document.encode()) for document in documents),
        perplexity=score(model, stream, STRIDE).perplexity,
        disjoint=score(model, stream, model.config.max_position_embeddings - 1).perplexity,
        trigram=baseline.perplexity(stream),
    )
