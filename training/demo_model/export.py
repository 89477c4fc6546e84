"""The trained model as a plain folder, in F16 as OPT is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from demo_model import tokenizer as tokenizers
from demo_model.model import untrained
from demo_model.recipe import Recipe

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def export(recipe: Recipe, tokenizer: Tokenizer, weights: Path, folder: Path) -> None:
    """Write ``model.safetensors``, ``config.json``, ``generation_config.json``, the tokenizer.

    Tied embeddings are stored once. Weights that F16 cannot hold are an error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = untrained(recipe)
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.half()
    if not all(p.isfinite().all() for p in model.parameters()):
        raise ValueError("a trained weight is too large for F16")
    model.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)  # weights are written for their owner alone; a package is for everyone
    tokenizers.save(tokenizer, folder, recipe.context)
