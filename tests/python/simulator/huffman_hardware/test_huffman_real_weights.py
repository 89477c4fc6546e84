"""The figures of docs/huffman-hardware.md, on the weights that they are about."""

from __future__ import annotations

import os
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from meadow_py.simulator.huffman_hardware import GROUPS, DecoderPort, run_decoders, weight_code
from meadow_py.simulator.huffman_hardware.design import streams

DATA = Path(os.environ.get("MEADOW_TEST_DATA", ""), "weights")

pytestmark = pytest.mark.skipif(
    not (os.environ.get("MEADOW_TEST_DATA") and DATA.is_dir()),
    reason="needs real weights: set MEADOW_TEST_DATA",
)


def attention(name: str) -> np.ndarray:
    from safetensors.numpy import load_file

    stored = load_file(DATA / name / "model.safetensors")
    return np.concatenate(
        [
            np.asarray(matrix.T if ".c_" in key else matrix, np.float32)
            for key, matrix in sorted(stored.items())
            if matrix.ndim == 2
        ]
    )


@pytest.mark.parametrize(
    ("name", "dtype", "bits_per_weight"),
    [
        ("gpt-neo-125m-attention", "BF16", 10.70),
        ("gpt-neo-125m-attention", "F16", 10.94),
        ("gpt2-attention", "BF16", 10.86),
        ("gpt2-attention", "F16", 13.86),
    ],
)
def test_bits_per_weight(name: str, dtype: str, bits_per_weight: float) -> None:
    kind = ml_dtypes.bfloat16 if dtype == "BF16" else np.float16
    words = attention(name).astype(kind).view(np.uint16)
    code = weight_code(words, GROUPS[dtype])
    assert code.bits_per_weight == pytest.approx(bits_per_weight, abs=0.005)
    assert code.floor <= code.bits_per_weight


def test_decoders_on_demand_are_as_fast_as_their_port() -> None:
    words = attention("gpt-neo-125m-attention")[:256].astype(ml_dtypes.bfloat16).view(np.uint16)
    code = weight_code(words, GROUPS["BF16"])
    lengths = streams(code.lengths_of(words), 64)
    mean = lengths.mean() * 64 / 16
    narrow, wide = int(np.floor(mean)), int(np.ceil(mean))
    found = run_decoders(lengths, DecoderPort(narrow, 16, 32, "demand"))
    assert found.throughput == pytest.approx(narrow / mean, abs=0.01)
    assert run_decoders(lengths, DecoderPort(wide, 16, 32, "demand")).throughput > 0.99
    assert run_decoders(lengths, DecoderPort(wide, 16, 32, "static")).throughput < 0.9
