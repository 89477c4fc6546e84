"""The entries of the engine's configuration that are about rotary embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from meadow_py.architectures.running.options import number
from meadow_py.architectures.running.rotary import Rotary, rotary
from meadow_py.architectures.running.running import Sizes


def rotated(parameters: Mapping[str, Any], sizes: Sizes, partial: bool = True) -> dict[str, Any]:
    """One kind of rotary embedding for all layers.

    Parameters
    ----------
    parameters : mapping
        As `rope_parameters` makes them.
    partial : bool
        Whether the family rotates a part of a head where it is told to.
    """
    share = number(parameters, "partial_rotary_factor", 1.0)
    if share > 1 or (share != 1 and not partial):
        raise ValueError(
            f"configuration: partial_rotary_factor={share}: expected "
            f"{'a number up to 1' if partial else 'the whole head'}"
        )
    dim = int(sizes.head_dim * share)
    return rotated_as([rotary(parameters, dim)], [0] * sizes.layers, dim)


def rotated_as(kinds: list[Rotary], of_layer: list[int], dim: int) -> dict[str, Any]:
    """Several kinds, and which of them each layer uses."""
    return {
        "position": "rotary",
        "positions": min(kind.positions for kind in kinds),
        "rotary_dim": dim,
        "rotary_frequencies": np.stack([kind.frequencies for kind in kinds]),
        "rotary_scale": tuple(kind.scale for kind in kinds),
        "rotary_of_layer": tuple(of_layer),
    }
