"""What the tests of HTML look at: a small model, and attacks in every text of its profile."""

from __future__ import annotations

import dataclasses

import numpy as np

import meadow_py as mp
from meadow_py.profiler import WeightPacking
from meadow_py.views.html import report

HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)></style></svg></title><!--"
    "&amp;\x1b[2J\n\u202egnp\u2066 $x^2$ {weight}"
)
SHORT = "\"'><script>x()</script>\u202e"  # for legends
_LAYERS = 3


def model() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    parts = ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj")
    return {
        f"model.layers.{layer}.{part}.weight": (
            random.standard_t(1 + n, (64, 64 + 64 * (n % 2))) * 0.02
        ).astype(np.float32)
        for layer in range(_LAYERS)
        for n, part in enumerate(parts)
    }


def with_hostile_texts(made: mp.Profile) -> mp.Profile:
    """The same figures; every text that can come out of a file is an attack."""
    weights = tuple(
        dataclasses.replace(
            weight,
            name=f"{n}{HOSTILE}",
            dtype=HOSTILE,
            content_dtype=f"c{HOSTILE}",
            packings=tuple(_with_hostile_granularity(p) for p in weight.packings),
        )
        for n, weight in enumerate(made.weights)
    )
    model = dataclasses.replace(made.model, source=HOSTILE, architecture=HOSTILE, format=HOSTILE)
    settings = dataclasses.replace(made.settings, granularity=(SHORT, "row", "group:128"))
    host = dataclasses.replace(made.host, isa=HOSTILE, meadow_py=HOSTILE)
    seconds = {f"{stage}{HOSTILE}": spent for stage, spent in made.seconds.items()}
    return mp.Profile(model, settings, host, weights, seconds)


def _with_hostile_granularity(packing: WeightPacking) -> WeightPacking:
    if packing.granularity != "tensor":
        return packing
    return dataclasses.replace(packing, granularity=SHORT)


_pages: dict[int, tuple[object, str]] = {}


def page(result: mp.Profile | mp.Sensitivity) -> str:
    """`report`, once for each result of these fixtures: plots take their time."""
    if id(result) not in _pages:
        _pages[id(result)] = (result, report(result))
    return _pages[id(result)][1]
