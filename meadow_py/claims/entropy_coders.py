"""Claims of entropy coders for stored floats: DFloat11, ZipNN and DietGPU."""

from __future__ import annotations

from collections.abc import Callable

from meadow_py.claims.claim import Claim, Figure, Publication, around
from meadow_py.claims.huff_llm.assumptions import WeightsMeasured
from meadow_py.claims.material import Material

DFLOAT11 = Publication(
    "DFloat11",
    "70% Size, 100% Accuracy: Lossless LLM Compression for Efficient GPU Inference via "
    "Dynamic-Length Float",
    "NeurIPS 2025, paper version 3",
)
ZIPNN = Publication(
    "ZipNN", "ZipNN: Lossless Compression for AI Models", "arXiv 2411.05239, README"
)
DIETGPU = Publication(
    "DietGPU", "DietGPU: GPU-based lossless compression for numerical data", "Meta, README"
)
_NEEDS = "weights of any model; the demo's by default, --model MODEL"


def _share(dtype: str) -> Callable[[Material], Figure]:
    def found(material: Material) -> Figure:
        cases = material.bf16 if dtype == "BF16" else material.f16
        listed = ", ".join(f"{one.name} {_bits(one):.2f} b/w" for one in cases)
        worst = max(cases, key=_bits)
        detail = f"the largest of: {listed}; Huffman codes of sign, exponent and mantissa"
        stands_in = f"attention of {material.names} for the source's models"
        return Figure(_bits(worst) / 16, detail, stands_in)

    return found


def _bits(one: WeightsMeasured) -> float:
    return one.code.bits_per_weight


CLAIMS = (
    Claim(
        "dfloat11-size",
        DFLOAT11,
        "Table 1",
        "Llama-3.1-8B in BF16 takes 67.84 % of its size, 10.85 b/w.",
        "67.84 %",
        _NEEDS,
        around(0.6784, "%", within=0.02, roughly=0.05),
        _share("BF16"),
    ),
    Claim(
        "zipnn-bf16",
        ZIPNN,
        "README",
        "Models in BF16 take 66.3 % of their size.",
        "66.3 %",
        _NEEDS,
        around(0.663, "%", within=0.02, roughly=0.05),
        _share("BF16"),
    ),
    Claim(
        "dietgpu-bf16",
        DIETGPU,
        "README",
        "Weights in BF16 take 0.67 of their size.",
        "67 %",
        _NEEDS,
        around(0.67, "%", within=0.02, roughly=0.05),
        _share("BF16"),
    ),
    Claim(
        "dietgpu-f16",
        DIETGPU,
        "README",
        "Weights in FP16 take 0.85 of their size. Judged: the model that takes most.",
        "85 %",
        _NEEDS,
        around(0.85, "%", within=0.02, roughly=0.05),
        _share("F16"),
    ),
)
