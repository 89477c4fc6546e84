"""MEADOW, Figure 10a: the packing of one layer step by step, 1.4x, 1.54x, 2.63x.

The layer is MLP1 of OPT-125M's first decoder, 768 x 3072 in INT8, with 1272 distinct chunks. Only
pairs (C=2) fit: 11 of 16 bits, and the dictionary.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from meadow_py.claims.claim import Claim, Figure, MissingData, Rule, around
from meadow_py.claims.material import Material
from meadow_py.claims.meadow.figure_4a import WORKED_UNIQUE
from meadow_py.claims.meadow.paper import PAPER

ROWS, COLUMNS = 768, 3072
FREEDOM = 3.0
"""Degrees of freedom of Student's t: tails about as heavy as 2.63x needs."""

Codes = npt.NDArray[np.int8]


def clipped(values: npt.NDArray[np.float64], scale: float) -> Codes:
    """INT8 codes of values; outliers are clipped."""
    return np.clip(np.rint(values * scale), -127, 127).astype(np.int8)


def engineered(freedom: float, random: np.random.Generator) -> Codes:
    """A layer with the shape of the worked layer and exactly 1272 distinct pairs.

    Values drawn from Student's t are scaled until about that number of pairs is left; the rarest
    pairs are then replaced.

    Parameters
    ----------
    freedom : float
        Degrees of freedom of Student's t.
    random : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        int8, shape (768, 3072).
    """
    from meadow_py.codecs import CodeMatrix

    values, low, high = random.standard_t(freedom, (ROWS, COLUMNS)), 0.2, 12.0
    for _ in range(18):
        scale = (low + high) / 2
        enough = CodeMatrix(clipped(values, scale), chunk=2).chunks.unique >= WORKED_UNIQUE
        low, high = (low, scale) if enough else (scale, high)
    pairs, which, counts = _pairs(clipped(values, high))
    order = np.argsort(-counts, kind="stable")
    place = np.empty_like(order)
    place[order] = np.where(np.arange(len(order)) < WORKED_UNIQUE, order, order[0])
    made: Codes = pairs[place[which]].reshape(ROWS, COLUMNS)
    return made


def sorted_first(codes: Codes) -> Codes:
    """The same pairs, with one of each first, in sorted order, so that the dictionary is sorted."""
    pairs, which, _ = _pairs(codes)
    first = np.unique(which, return_index=True)[1]
    rest = np.delete(which, first)
    made: Codes = pairs[np.concatenate([which[first], rest])].reshape(codes.shape)
    return made


def packed_ratio(codes: Codes, codec: str) -> float:
    """Dense over packed bytes, everything counted; the packed codes are decoded and compared."""
    from meadow_py import codecs

    stream = codecs.pack(codes, codec, chunk=2)
    if not np.array_equal(codecs.decode(stream), codes):
        raise RuntimeError(f"{codec} did not decode to what was packed: a bug of this library")
    return codes.nbytes / len(stream)


def _pairs(codes: Codes) -> tuple[Codes, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    pairs, which, counts = np.unique(
        codes.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True
    )
    return pairs, which.ravel(), counts


@functools.cache
def _layer() -> Codes:
    return engineered(FREEDOM, np.random.default_rng(0))


_SYNTHETIC = f"values of Student's t({FREEDOM:g}) made to 1272 distinct pairs, for the layer itself"


def _naive(_material: Material) -> Figure:
    chunks, dictionary = ROWS * COLUMNS // 2, 16 * WORKED_UNIQUE
    ratio = 16 * chunks / (11 * chunks + dictionary)
    return Figure(ratio, "arithmetic at C=2, dictionary counted; C=4 would be 2.89x")


def _packets(_material: Material) -> Figure:
    layer = _layer()
    ratio = packed_ratio(sorted_first(layer), "packets")
    appearance = packed_ratio(layer, "packets")
    detail = f"with a sorted dictionary; in order of appearance {appearance:.2f}x"
    return Figure(ratio, detail, _SYNTHETIC)


def _reindexed(_material: Material) -> Figure:
    ratio = packed_ratio(_layer(), "reindexed")
    return Figure(ratio, f"it takes {16 / ratio:.2f} bits a pair", _SYNTHETIC)


def _reindexed_real(material: Material) -> Figure:
    weights = material.attention_of_opt_size()
    ratios = [
        one.packings[2].bits_per_weight["dense"] / one.packings[2].bits_per_weight["reindexed"]
        for one in weights
    ]
    if not ratios:
        raise MissingData("attention weights")
    mean = sum(one.dense() for one in weights) / sum(
        one.packings[2].bits_per_weight["reindexed"] for one in weights
    )
    detail = f"best of {len(ratios)} attention weights at C=2; all together {mean:.2f}x"
    return Figure(max(ratios), detail, material.stands_in_for_opt())


_NEEDS_LAYER = "nothing; the layer itself is in facebook/opt-125m"
CLAIMS = (
    Claim(
        "meadow-10a-naive",
        PAPER,
        "Figure 10a",
        "Indices of one width pack the worked layer 1.4x.",
        "1.4x",
        "nothing",
        Rule("x", (1.35, 1.5), (1.3, 1.55)),  # figures that round, or truncate, to 1.4
        _naive,
    ),
    Claim(
        "meadow-10a-packets",
        PAPER,
        "Figure 10a",
        "Packets with mode bits pack it 1.54x.",
        "1.54x",
        _NEEDS_LAYER,
        around(1.54, "x"),
        _packets,
    ),
    Claim(
        "meadow-10a-reindexed",
        PAPER,
        "Figure 10a",
        "Indices by frequency, in packets, pack it 2.63x.",
        "2.63x",
        _NEEDS_LAYER,
        around(2.63, "x"),
        _reindexed,
    ),
    Claim(
        "meadow-10a-real",
        PAPER,
        "Figure 10a",
        "The same of trained attention weights: does any reach 2.63x?",
        "2.63x",
        "attention weights of 768 x 768 or larger: --model facebook/opt-125m",
        around(2.63, "x", roughly=0.1),
        _reindexed_real,
    ),
)
