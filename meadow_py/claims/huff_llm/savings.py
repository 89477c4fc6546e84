"""Huff-LLM's four claims. Each says "up to", so the best of all sets of assumptions is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meadow_py.claims.claim import Claim, Figure, Publication, around, at_most
from meadow_py.claims.huff_llm.assumptions import WeightsMeasured
from meadow_py.claims.material import Material

PAPER = Publication(
    "Huff-LLM",
    "Huff-LLM: End-to-End Lossless Compression for Efficient LLM Inference",
    "arXiv 2502.00922, February 2025",
    "third parties' summaries of the paper",
)
_NEEDS = "weights of any model; the demo's by default, --model MODEL"


def _groups(material: Material) -> str:
    return f"attention of {material.names} for 3 B to 13 B models, and bit groups of this project"


def _hardware(material: Material) -> str:
    return f"{_groups(material)}; every size of the hardware"


def _size(cases: Sequence[WeightsMeasured], material: Material) -> Figure:
    listed = ", ".join(
        f"{one.name} {one.size_saving:.1%} ({one.code.bits_per_weight:.2f} b/w)" for one in cases
    )
    return Figure(max(one.size_saving for one in cases), listed, _groups(material))


def _size_f16(material: Material) -> Figure:
    worst = min(material.f16, key=lambda one: one.size_saving)
    found = _size(material.f16, material)
    return Figure(worst.size_saving, f"the least of: {found.detail}", found.stands_in)


def _most(material: Material, field: str, claim: float) -> Figure:
    rows = material.huff_llm.time_rows
    reached = sum(row[field] >= claim for row in rows)
    detail = f"best of {len(rows)} sets, in BF16; {reached} reach {claim:.0%}"
    return Figure(max(row[field] for row in rows), detail, _hardware(material))


def _area(material: Material, unit: str) -> Figure:
    rows = [row for row in material.huff_llm.area_rows if row["unit"] == unit]
    within = sum(row["area_overhead"] <= 0.06 for row in rows)
    spread = sorted(row["area_overhead"] for row in rows)
    usual = _median(spread)
    detail = (
        f"median of {len(rows)} sets in BF16, {spread[0]:.1%} to {spread[-1]:.0%}; {within} stay "
        "within 6 %"
    )
    return Figure(usual, detail, _hardware(material))


def _median(values: Sequence[Any]) -> float:
    middle = len(values) // 2
    return float(values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2)


CLAIMS = (
    Claim(
        "huff-llm-size",
        PAPER,
        "summary",
        "Huffman codes of bit groups make models up to 32 % smaller. Judged: the best, in BF16.",
        "up to 32 %",
        _NEEDS,
        around(0.32, "%"),
        lambda material: _size(material.bf16, material),
    ),
    Claim(
        "huff-llm-size-f16",
        PAPER,
        "summary",
        "The same of FP16 weights. Judged: the model that saves least.",
        "up to 32 %",
        _NEEDS,
        around(0.32, "%"),
        _size_f16,
    ),
    Claim(
        "huff-llm-latency",
        PAPER,
        "summary",
        "Decoders in front of the multipliers lower latency by up to 31 %.",
        "up to 31 %",
        _NEEDS,
        around(0.31, "%"),
        lambda material: _most(material, "latency_saving", 0.31),
    ),
    Claim(
        "huff-llm-energy",
        PAPER,
        "summary",
        "They save up to 26 % of energy. Judged: the best at typical energies of LPDDR4.",
        "up to 26 %",
        _NEEDS,
        around(0.26, "%", roughly=0.25),
        lambda material: _most(material, "energy_saving_typical", 0.26),
    ),
    Claim(
        "huff-llm-area-systolic",
        PAPER,
        "summary",
        "Decoders add about 6 % of area to a systolic array (here 128 x 128).",
        "6 %",
        _NEEDS,
        at_most(0.06, "%"),
        lambda material: _area(material, "systolic-128x128"),
    ),
    Claim(
        "huff-llm-area-vector",
        PAPER,
        "summary",
        "Decoders add about 6 % of area to a Simba-like vector unit (here 16 x 64).",
        "6 %",
        _NEEDS,
        at_most(0.06, "%"),
        lambda material: _area(material, "vector-16x64"),
    ),
)
