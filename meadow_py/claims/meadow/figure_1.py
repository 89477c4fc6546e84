"""MEADOW, Figure 1: what memory is busy with under GEMM."""

from __future__ import annotations

from meadow_py.claims.claim import Claim, Figure, at_least
from meadow_py.claims.material import Material
from meadow_py.claims.meadow.paper import PAPER, STATED_MACHINE, simulated
from meadow_py.claims.meadow.retrace import STATED_PROMPT

LENGTHS = (64, 128, 256, 512)
_STANDS_IN = f"a prompt of {STATED_PROMPT} tokens, and {STATED_MACHINE}"


def weight_share(phase: str, prompt: int) -> float:
    """Share of memory's busy time that is spent on weights; the rest is for intermediates."""
    made = simulated("opt-125m", packed=False, dataflow="gemm", prompt=prompt)
    cost = made.prefill if phase == "prefill" else made.decode
    if cost is None:
        raise RuntimeError("opt-125m has no decode phase")
    weights = cost.total("weight_bytes") / made.bandwidth
    return weights / (cost.total("fetch_s") + cost.total("store_s"))


def _prefill(_material: Material) -> Figure:
    shares = {n: 1 - weight_share("prefill", n) for n in LENGTHS}
    listed = ", ".join(f"{share:.0%} at {n} tokens" for n, share in shares.items())
    return Figure(shares[STATED_PROMPT], f"intermediates are {listed}", _STANDS_IN)


def _decode(_material: Material) -> Figure:
    shares = {n: weight_share("decode", n) for n in LENGTHS}
    listed = ", ".join(f"{share:.0%} at {n} tokens" for n, share in shares.items())
    return Figure(shares[STATED_PROMPT], f"weights are {listed} of context", _STANDS_IN)


CLAIMS = (
    Claim(
        "meadow-1-prefill",
        PAPER,
        "Figure 1",
        "OPT-125M under GEMM at 12 Gb/s: traffic of intermediates dominates prefill.",
        "over 50 %",
        "nothing",
        at_least(0.5, "%"),
        _prefill,
    ),
    Claim(
        "meadow-1-decode",
        PAPER,
        "Figure 1",
        "OPT-125M under GEMM at 12 Gb/s: fetching weights dominates decoding.",
        "over 50 %",
        "nothing",
        at_least(0.5, "%"),
        _decode,
    ),
)
