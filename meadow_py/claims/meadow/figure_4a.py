"""MEADOW, Figure 4a: chunks per distinct chunk, and distinct chunks of the worked layer."""

from __future__ import annotations

import math

import numpy as np

from meadow_py.claims.claim import Claim, Figure, MissingData, Rule, around
from meadow_py.claims.material import Material
from meadow_py.claims.meadow.paper import PAPER

WORKED_UNIQUE = 1272


def _reduction(material: Material) -> Figure:
    weights = material.attention_of_opt_size()
    at_2 = [one.packings[2].reduction_ratio for one in weights]
    at_4 = [one.packings[4].reduction_ratio for one in weights]
    inside = sum(ratio >= 100 for ratio in at_2)
    detail = (
        f"C=2: {min(at_2):.0f} to {max(at_2):.0f}, {inside} of {len(at_2)} weights at 100 "
        f"or above; C=4: at most {max(at_4):.1f}"
    )
    return Figure(float(np.median(at_2)), detail, material.stands_in_for_opt())


def _unique(material: Material) -> Figure:
    from meadow_py.codecs import CodeMatrix
    from meadow_py.quantizers import quantize

    model = material.opt_125m()
    layer = [one for one in model.weights if one.role == "mlp.up" and one.layer == 0]
    if not layer:
        raise MissingData("MLP1 of the first decoder of facebook/opt-125m")
    values = np.asarray(layer[0].array(), np.float32)
    codes = quantize(values, bits=8, granularity="tensor").codes
    unique = CodeMatrix(codes, chunk=2).chunks.unique
    return Figure(unique, f"{unique} distinct pairs, {math.ceil(math.log2(unique))}-bit indices")


CLAIMS = (
    Claim(
        "meadow-4a-reduction",
        PAPER,
        "Figure 4a",
        "The weights of OPT-125M and OPT-1.3B have 100 to 1000 chunks for each distinct one. "
        "Judged: the median of attention weights at C=2.",
        "100 to 1000",
        "attention weights of 768 x 768 or larger: --model facebook/opt-125m",
        Rule("", (100, 1000), (10**1.5, 10**3.5)),  # to the nearest power of ten
        _reduction,
    ),
    Claim(
        "meadow-4a-worked-layer",
        PAPER,
        "Section 5",
        "MLP1 of OPT-125M's first decoder has 1272 distinct chunks, so indices of 11 bits.",
        "1272",
        "the weights of facebook/opt-125m: --model facebook/opt-125m",
        around(WORKED_UNIQUE, "", within=0.01),
        _unique,
    ),
)
