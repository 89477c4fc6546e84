"""MEADOW, Figure 12: the better dataflow over bandwidth and processing elements."""

from __future__ import annotations

import numpy as np

from meadow_py.claims.claim import Claim, Figure, between
from meadow_py.claims.material import Material
from meadow_py.claims.meadow.paper import PAPER, STATED_MACHINE, stated
from meadow_py.claims.meadow.retrace import STATED_PROMPT, better_dataflow
from meadow_py.claims.meadow.space import LAYOUTS

_GIGABITS = tuple(np.geomspace(1, 51, 60).tolist())
_ELEMENTS = tuple(int(n) for n in np.unique(np.linspace(14, 96, 42).round()))
_STANDS_IN = f"{STATED_MACHINE}; elements are added as parallel ones"


def flip(tphs: np.ndarray[tuple[int], np.dtype[np.bool_]], axis: tuple[float, ...]) -> float:
    """The point on `axis` where TPHS gives way to GEMM for good; 0 if there is none.

    Parameters
    ----------
    tphs : bool array, shape (n,)
    axis : tuple of float, length n
    """
    once = bool(tphs[0]) and not tphs[-1] and bool((tphs[1:] <= tphs[:-1]).all())
    return axis[int(tphs.sum())] if once else 0.0


def _bandwidth(_material: Material) -> Figure:
    tphs = better_dataflow(stated(), STATED_PROMPT, LAYOUTS[1], (96,), _GIGABITS)[0, :, 0]
    return Figure(flip(tphs, _GIGABITS), "TPHS below, GEMM above, with 96 elements", _STANDS_IN)


def _elements(_material: Material) -> Figure:
    tphs = better_dataflow(stated(), STATED_PROMPT, LAYOUTS[1], _ELEMENTS, (51,))[:, 0, 0]
    return Figure(flip(tphs, _ELEMENTS), "TPHS below, GEMM above, at 51 Gb/s", _STANDS_IN)


CLAIMS = (
    Claim(
        "meadow-12-bandwidth",
        PAPER,
        "Figure 12",
        "Low bandwidth favours TPHS, high bandwidth GEMM. Judged: the one flip up to 51 Gb/s.",
        "1 to 51 Gb/s",
        "nothing",
        between(1, 51, "Gb/s"),
        _bandwidth,
    ),
    Claim(
        "meadow-12-elements",
        PAPER,
        "Figure 12",
        "Many processing elements favour GEMM. Judged: the one flip between 14 and 96 elements.",
        "14 to 96",
        "nothing",
        between(14, 96, "elements"),
        _elements,
    ),
)
