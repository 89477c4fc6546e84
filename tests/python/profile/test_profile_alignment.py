"""Safetensors does not promise aligned data; the figures must not care."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import meadow_py as mp


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_data_at_an_odd_address_gives_the_same_profile(tmp_path: Path, dtype: str) -> None:
    kind = np.float32 if dtype == "F32" else ml_dtypes.bfloat16
    weight = np.random.default_rng(0).standard_t(4, (64, 48)).astype(kind)
    entry = {"dtype": dtype, "shape": [64, 48], "data_offsets": [0, weight.nbytes]}
    header = json.dumps({"a.weight": entry}).encode()
    header += b" " * ((1 - len(header)) % 8)
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + weight.tobytes())

    odd = mp.profile(path, progress=False)
    plain = mp.profile({"a.weight": weight}, progress=False)
    assert (8 + len(header)) % 8 == 1
    assert odd.weights[0].packings == plain.weights[0].packings
    assert odd.weights[0].floors == plain.weights[0].floors
    assert odd.weights[0].content_dtype == plain.weights[0].content_dtype
