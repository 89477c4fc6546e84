"""Huff-LLM's hardware on real weights: stalls of parallel decoders, and the paper's claims.

    MEADOW_TEST_DATA=FOLDER python benchmarks/huffman_hardware.py

Weights: attention of GPT-Neo-125M (trained and stored as BF16) and of GPT-2 (stored as F32), in
BF16, rounded to F16, and GPT-Neo's BF16 values as an F16 file holds them. Nothing is timed.
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from common import test_data
from safetensors.numpy import load_file

from meadow_py.claims.huff_llm import WeightsMeasured, retrace_huffman
from meadow_py.simulator.huffman_hardware import (
    GROUPS,
    DecoderPort,
    HuffmanDesign,
    Unit,
    run_decoders,
    weight_code,
)
from meadow_py.simulator.huffman_hardware.design import streams

RESULT = Path(__file__).parent / "results" / "huffman_hardware.json"
MODELS = ("llama-3.2-3b",)
LANES = 64


def weights() -> list[WeightsMeasured]:
    folder = test_data() / "weights"
    neo = matrices(folder / "gpt-neo-125m-attention")
    gpt2 = matrices(folder / "gpt2-attention")
    return [
        measured("GPT-Neo-125M, BF16", "BF16", neo.astype(ml_dtypes.bfloat16)),
        measured("GPT-Neo-125M, BF16 values in F16", "F16", neo.astype(np.float16)),
        measured("GPT-2, rounded to BF16", "BF16", gpt2.astype(ml_dtypes.bfloat16)),
        measured("GPT-2, rounded to F16", "F16", gpt2.astype(np.float16)),
    ]


def matrices(folder: Path) -> np.ndarray[Any, Any]:
    """All weights of 768 inputs, one above the other, as F32."""
    stored = load_file(folder / "model.safetensors")
    return np.concatenate(
        [
            np.asarray(matrix.T if ".c_" in name else matrix, np.float32)  # Conv1D: [in, out]
            for name, matrix in sorted(stored.items())
            if matrix.ndim == 2
        ]
    )


def measured(name: str, dtype: str, matrix: np.ndarray[Any, Any]) -> WeightsMeasured:
    words = matrix.view(np.uint16)
    return WeightsMeasured(name, dtype, weight_code(words, GROUPS[dtype]), words)


def stall_rows(one: WeightsMeasured) -> list[dict[str, Any]]:
    """Decoders of one matrix, over width of the port, depth of FIFOs and repartitioning."""
    lengths = streams(one.code.lengths_of(one.words[: 4 * LANES]), LANES)
    mean = lengths.mean() * len(lengths) / 16
    ports = itertools.product(
        [math.ceil(mean) + more for more in (-1, 0, 1, 3, 6)],  # words of 16 bits
        (32, 64, 128),
        ("static", "demand"),
        (0, 8),
    )
    rows = []
    for words, fifo, repartition, ahead in ports:
        run = run_decoders(lengths, DecoderPort(words, 16, fifo, repartition, ahead))
        rows.append(
            {
                "port_by_mean": words / mean,
                "fifo_bits": fifo,
                "ahead": ahead,
                "repartition": repartition,
                "throughput": run.throughput,
                "padding": run.padding,
                **asdict(run),
            }
        )
    return rows


def decoder_rows(one: WeightsMeasured) -> list[dict[str, Any]]:
    """Bits per weight, tables and area over the longest code and the kind of decoder."""
    rows = []
    for longest in (6, 8, 10, 12):
        for decoder in ("canonical", "lookup"):
            for unit in (Unit("systolic", 128, 128), Unit("vector", 16, 64)):
                code = one.code.with_longest(longest)
                design = HuffmanDesign(unit, code, one.dtype, 1 << 20, decoder=decoder)
                rows.append(
                    {
                        "longest": longest,
                        "decoder": decoder,
                        "unit": unit.name,
                        "bits_per_weight": code.bits_per_weight,
                        "table_bytes": design.table_bytes,
                        "area_overhead": design.area_overhead(),
                        "area": {**design.base_area(), **design.decoder_area()},
                    }
                )
    return rows


def main() -> None:
    cases = weights()
    found = retrace_huffman(cases, models=MODELS)
    about = {
        "decoders": {one.name: decoder_rows(one) for one in cases},
        "streams": {"lanes": LANES, **{one.name: stall_rows(one) for one in cases[:2]}},
        "retrace": found.to_dict(),
    }
    RESULT.write_text(json.dumps(about, indent=1, allow_nan=False) + "\n")
    print(found)


if __name__ == "__main__":
    main()
