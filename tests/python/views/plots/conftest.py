"""Profiles of models with many layers, made from a few that are really profiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

import meadow_py as mp

mpl.use("Agg")

PARTS = ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up")
SHOWN_LAYERS = 6


def student(layers: int) -> dict[str, np.ndarray]:
    """Weights of a small decoder; the tails grow heavier from the last layer to the first."""
    rng = np.random.default_rng(7)

    def weight(rows: int, tails: float) -> np.ndarray:
        return (0.02 * rng.standard_t(tails, (rows, 64))).astype(np.float32)

    made = {"model.embed_tokens.weight": weight(256, 4)}
    for layer in range(layers):
        for n, part in enumerate((*PARTS, "mlp.down")):
            name = f"model.layers.{layer}.{part}_proj.weight"
            made[name] = weight(64, 2.2 + layer + 0.3 * n)
    made["lm_head.weight"] = weight(256, 5)
    return made


@pytest.fixture(scope="session")
def small() -> mp.Profile:
    """Six layers under six settings, and weights before and after them."""
    return mp.profile(
        student(SHOWN_LAYERS),
        bits=(8, 4),
        granularity=("tensor", "row", "group:32"),
        chunk_sizes=(1, 2, 3, 4, 6, 8),
        progress=False,
    )


@pytest.fixture(scope="session")
def plain() -> mp.Profile:
    """One setting and one chunk size."""
    return mp.profile(
        student(2), bits=8, granularity="tensor", chunk_sizes=2, verify=False, progress=False
    )


@pytest.fixture(scope="session")
def deep(small: mp.Profile) -> Callable[[int], mp.Profile]:
    """So many layers: those of the small profile again and again."""

    def made(layers: int) -> mp.Profile:
        first, *middle, last = small.weights
        each = len(middle) // SHOWN_LAYERS
        repeated = [
            replace(
                middle[(layer % SHOWN_LAYERS) * each + n],
                layer=layer,
                name=f"model.layers.{layer}.{middle[n].name.split('.', 3)[3]}",
            )
            for layer in range(layers)
            for n in range(each)
        ]
        return replace(small, weights=(first, *repeated, last))

    return made


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    from matplotlib import pyplot

    yield
    pyplot.close("all")
