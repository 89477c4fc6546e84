"""Predictions beside published measurements. Sources: docs/simulation.md."""

from __future__ import annotations

from typing import Any

from meadow_py import workload
from meadow_py.simulator import simulate
from meadow_py.workload import Precision

# llama.cpp issue #26484 (3 August 2026), Raspberry Pi 5, 4 threads: file in GB, tokens/s, J/token.
PI_5 = {
    "Q2_K": (0.339, 30.39, 0.2065),
    "Q3_K_M": (0.355, 28.39, 0.2120),
    "Q4_K_M": (0.398, 25.77, 0.2585),
    "Q5_K_M": (0.420, 23.23, 0.2994),
    "Q8_0": (0.531, 19.87, 0.2924),
}
# The issue does not name its model. Only its bytes count: a file of Q8_0 of 0.531 GB is that of
# half a billion weights, so the shape is Qwen2.5-0.5B's, at the bits that give the file's size.
PI_5_SHAPE = "qwen2.5-0.5b"
# LlamaF, TinyLlama 1.1B W8A8 in groups of 256, ZCU102: steps, tokens/s. A scale of 32 bits for 256
# weights makes 8.125 bits.
LLAMAF = {64: 1.478, 128: 1.424, 256: 1.328}
# INT4 with MLC on Orin Nano, 68 and 102 GB/s (WayfindR-driver documentation, citing NVIDIA),
# tokens/s; 4.5 bits a weight.
ORIN = {"llama-3.2-3b": (27.7, 43.07)}


def published() -> list[dict[str, Any]]:
    """One row per figure: its name, what is predicted, what was published."""
    return [*_pi_5(), *_llamaf(), *_orin()]


def _pi_5() -> list[dict[str, Any]]:
    shape = workload.shape_of(PI_5_SHAPE)
    weights = shape.decoder_weights + shape.head_weights
    rows = []
    for name, (gigabytes, speed, joules) in PI_5.items():
        bits = Precision(gigabytes * 1e9 * 8 / weights, 8, 16)
        made = simulate(shape, device="raspberry-pi-5", precision=bits, context=64)
        energy = made.energy_per_token
        assert energy is not None
        assert made.tokens_per_s is not None
        rows.append(_row(f"Raspberry Pi 5 {name}, tokens/s", made.tokens_per_s, speed))
        rows.append(_row(f"Raspberry Pi 5 {name}, J/token", energy.total.typical, joules))
    return rows


def _llamaf() -> list[dict[str, Any]]:
    rows = []
    for steps, speed in LLAMAF.items():
        made = simulate(
            "tinyllama-1.1b",
            device="zcu102-llamaf",
            dataflow="gemm",
            precision=Precision(8.125, 8, 32),
            context=steps // 2,
        )
        assert made.tokens_per_s is not None
        rows.append(_row(f"LlamaF on ZCU102, {steps} steps, tokens/s", made.tokens_per_s, speed))
    return rows


def _orin() -> list[dict[str, Any]]:
    rows = []
    for model, speeds in ORIN.items():
        for device, speed in zip(("orin-nano", "orin-nano-super"), speeds, strict=True):
            made = simulate(model, device=device, precision="w4.5a16", context=64)
            assert made.tokens_per_s is not None
            rows.append(_row(f"{device}, {model}, tokens/s", made.tokens_per_s, speed))
    return rows


def _row(name: str, predicted: float, found: float) -> dict[str, Any]:
    return {"name": name, "predicted": predicted, "published": found}
