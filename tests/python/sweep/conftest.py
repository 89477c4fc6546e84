"""A sweep of weights that differ in what suits them."""

from __future__ import annotations

import numpy as np
import pytest

import meadow_py as mp


def patterned(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Quadruples out of few: chunks of four repeat, single values say nothing."""
    quads = random.standard_normal((16, 4)).astype(np.float32)
    return quads[random.integers(0, 16, shape[0] * shape[1] // 4)].reshape(shape)


@pytest.fixture(scope="session")
def swept() -> mp.Sensitivity:
    random = np.random.default_rng(4)
    prefix = "model.decoder.layers"
    weights = {}
    for layer in range(2):
        weights[f"{prefix}.{layer}.fc1.weight"] = patterned(random, (256, 128))
        heavy = random.standard_t(3, (128, 256)).astype(np.float32)
        weights[f"{prefix}.{layer}.fc2.weight"] = heavy
    return mp.sweep(weights, chunk_sizes=(1, 2, 4), granularity=("tensor", "row", "group:32"))
