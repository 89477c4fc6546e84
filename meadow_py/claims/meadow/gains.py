"""MEADOW, Figures 6 and 7 and section 6.6: gains over GEMM with dense weights; decoding speed."""

from __future__ import annotations

from meadow_py.claims.claim import Claim, Figure, around, between
from meadow_py.claims.material import Material
from meadow_py.claims.meadow.gain_ranges import GAIN_RANGES, GainRange, gain
from meadow_py.claims.meadow.paper import PAPER, STATED_MACHINE, stated
from meadow_py.claims.meadow.retrace import STATED, STATED_PROMPT
from meadow_py.claims.meadow.space import settings_of

_PHASES = {"prefill": "the prefill of ", "decode": "the decoding of "}
_TITLES = {"opt-125m": "OPT-125M", "opt-1.3b": "OPT-1.3B", "deit-s": "DeiT-S", "deit-b": "DeiT-B"}
_PAGES = {"prefill": "Figure 6", "decode": "Figure 7"}
PACKED = 1.5
"""Mean packing of a whole model: what the gains of decoding imply."""


def _claim(published: GainRange) -> Claim:
    def found(_material: Material) -> Figure:
        value = float(gain(published, STATED_PROMPT, stated())[0])
        tokens = published.tokens or STATED_PROMPT
        return Figure(value, f"at {tokens} tokens", STATED_MACHINE)

    vision = published.tokens > 0
    place = "6.6" if vision else _PAGES[published.phase][-1]
    phase = "" if vision else _PHASES[published.phase]
    return Claim(
        f"meadow-{place}-{published.model}" + ("" if vision else f"-{published.gigabits}"),
        PAPER,
        "Section 6.6" if vision else _PAGES[published.phase],
        f"At {published.gigabits} Gb/s, MEADOW runs {phase}{_TITLES[published.model]} faster than "
        "GEMM with dense weights does.",
        f"{published.low:g}x to {published.high:g}x",
        "nothing",
        between(published.low, published.high, "x"),
        found,
    )


def _tokens_per_s(_material: Material) -> Figure:
    from meadow_py.simulator import simulate

    settings = {**settings_of(STATED), "packing": PACKED}
    made = simulate(
        "opt-1.3b",
        device="zcu102",
        bandwidth="12Gb/s",
        prompt=64,
        generate=1,
        head=False,
        **settings,
    )
    speed = made.tokens_per_s
    if speed is None:
        raise RuntimeError("opt-1.3b has no decode phase")
    return Figure(speed, f"packed {PACKED}x, no head", f"a packing of {PACKED}x, {STATED_MACHINE}")


CLAIMS = (
    *(_claim(one) for one in GAIN_RANGES),
    Claim(
        "meadow-decode-speed",
        PAPER,
        "digest",
        "OPT-1.3B decodes about 2 tokens/s on the ZCU102 at 12 Gb/s.",
        "2 tokens/s",
        "nothing",
        around(2.0, "tokens/s", within=0.1),
        _tokens_per_s,
    ),
)
