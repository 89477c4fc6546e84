"""A profiler published in December 2025: a sweet spot at C=4, which saves 40 % on attention."""

from __future__ import annotations

from meadow_py.claims.claim import Claim, Figure, Publication, around, at_least
from meadow_py.claims.material import CHUNK_SIZES, Material, MeasuredWeight

POST = Publication(
    "profiler post",
    "Adaptive weight packing profiler for efficient edge LLM inference",
    "LinLinHua.github.io, 2 December 2025",
)
_NEEDS = "attention weights of any model; the demo's by default, --model facebook/opt-125m"


def saving(weights: tuple[MeasuredWeight, ...], chunk: int, *, counted: bool = True) -> float:
    """Share of the dense INT8 bytes that the smallest packing saves over all weights."""
    dense = sum(_values(one) * one.dense() for one in weights)
    each = (one.smallest(chunk) if counted else one.alone(chunk) for one in weights)
    packed = sum(_values(one) * bits for one, bits in zip(weights, each, strict=True))
    return 1 - packed / dense


def met_before(weights: tuple[MeasuredWeight, ...], chunk: int) -> float:
    """Share of chunks that are already in the dictionary when they occur."""
    chunks = sum(
        one.packings[chunk].unique_chunks * one.packings[chunk].reduction_ratio for one in weights
    )
    return 1 - sum(one.packings[chunk].unique_chunks for one in weights) / chunks


def _values(one: MeasuredWeight) -> int:
    return one.shape[0] * one.shape[1]


def _sweet_spot(material: Material) -> Figure:
    best = [min(CHUNK_SIZES, key=one.smallest) for one in material.attention]
    counts = ", ".join(f"C={size} in {best.count(size)}" for size in CHUNK_SIZES)
    detail = f"smallest of {len(best)} weights, dictionary counted: {counts}"
    return Figure(best.count(4) / len(best), detail, material.stands_in_for_opt())


def _traffic(material: Material) -> Figure:
    weights = material.attention
    enough = sum(1 - one.smallest(4) / one.dense() >= 0.4 for one in weights)
    alone = saving(weights, 4, counted=False)
    detail = f"{enough} of {len(weights)} weights save 40 %; dictionary not counted {alone:.1%}"
    return Figure(saving(weights, 4), detail, material.stands_in_for_opt())


def _match_rate(material: Material) -> Figure:
    rates = {size: met_before(material.attention, size) for size in CHUNK_SIZES}
    listed = ", ".join(f"{rate:.1%} at C={size}" for size, rate in rates.items())
    return Figure(rates[2] - rates[8], f"chunks met before: {listed}", material.stands_in_for_opt())


def _small_chunks(material: Material) -> Figure:
    saved = {size: saving(material.attention, size) for size in CHUNK_SIZES}
    ratios = {size: 1 / (1 - share) for size, share in saved.items()}
    listed = ", ".join(f"{ratio:.2f}x at C={size}" for size, ratio in ratios.items())
    return Figure(ratios[2] / max(ratios[4], ratios[8]), listed, material.stands_in_for_opt())


CLAIMS = (
    Claim(
        "post-sweet-spot",
        POST,
        "post",
        "C=4 is the sweet spot of attention. Judged: the share of weights smallest there.",
        "most weights",
        _NEEDS,
        at_least(0.5, "%", roughly=0.2),
        _sweet_spot,
    ),
    Claim(
        "post-40-percent",
        POST,
        "post",
        "C=4 saves about 40 % of attention's traffic against INT8.",
        "40 %",
        _NEEDS,
        around(0.4, "%"),
        _traffic,
    ),
    Claim(
        "post-match-rate",
        POST,
        "post",
        "Large chunks match less often. Judged: the rate at C=2 above that at C=8.",
        "over 0 %",
        _NEEDS,
        at_least(0.01, "%"),
        _match_rate,
    ),
    Claim(
        "post-small-chunks",
        POST,
        "post",
        "Small chunks give higher compression. Judged: C=2 by the better of C=4, C=8.",
        "over 1x",
        _NEEDS,
        at_least(1.0, "x", roughly=0.0),
        _small_chunks,
    ),
)
