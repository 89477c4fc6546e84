"""The weights that benchmarks measure: real ones, in the shapes of real models."""

from __future__ import annotations

from typing import Any

import numpy as np
from common import test_data

import meadow_py as mp

LAYERS = 12
Array = np.ndarray[Any, Any]


def real_squares() -> list[Array]:
    """The 24 attention weights, 768 x 768, BF16."""
    path = test_data() / "weights" / "gpt-neo-125m-attention" / "model.safetensors"
    with mp.open_checkpoint(path) as checkpoint:
        found = [np.array(weight.array()) for weight in checkpoint.weights]
    return [weight for weight in found if weight.shape == (768, 768)]


def decoder(squares: list[Array]) -> dict[str, Array]:
    """OPT-125M's decoder: 12 layers of four 768 x 768, fc1 3072 x 768 and fc2 768 x 3072."""
    weights: dict[str, Array] = {}
    for layer in range(LAYERS):
        take = [squares[(6 * layer + i) % len(squares)] for i in range(8)]
        base = f"model.decoder.layers.{layer}"
        for name, weight in zip(("q_proj", "k_proj", "v_proj", "out_proj"), take, strict=False):
            weights[f"{base}.self_attn.{name}.weight"] = weight
        weights[f"{base}.fc1.weight"] = np.concatenate(take[2:6], axis=0)
        weights[f"{base}.fc2.weight"] = np.concatenate(take[4:8], axis=1)
    assert sum(weight.size for weight in weights.values()) == 84_934_656
    return weights
