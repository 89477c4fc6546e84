"""Floats as they are stored, under the entropy coders."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from numpy_reference import entropy

import meadow_py as mp
from meadow_py import blobs
from meadow_py.profiler import StoredFloats
from meadow_py.views.terminal import render_text

NAME = "model.decoder.layers.0.fc1.weight"
DTYPES = {
    "BF16": ml_dtypes.bfloat16,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}


@pytest.fixture(scope="module")
def weight() -> np.ndarray:
    drawn = np.random.default_rng(7).standard_normal((1024, 1056)) * 0.02
    return drawn.astype(np.float32)


def profiled(weight: np.ndarray) -> mp.profiler.WeightProfile:
    return mp.profile({NAME: weight}, granularity="tensor", chunk_sizes=2).weights[0]


def stored(weight: np.ndarray) -> StoredFloats:
    found = profiled(weight).stored
    assert found is not None
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_ledgers_add_up_to_the_blobs(weight: np.ndarray, dtype: str) -> None:
    values = weight[:300].astype(DTYPES[dtype])
    found, raw = stored(values), values.reshape(-1).view(np.uint8)
    assert found.bits == 8 * values.itemsize
    for name, codec in (("huffman", "huffman"), ("storage", "auto")):
        blob = blobs.encode(raw, dtype, values.shape, codec=codec)
        book = found.ledgers[name]
        assert book.total == 8 * blob.size
        assert found.bits_per_weight[name] == book.total / values.size
        assert found.floors[name] <= (book.codes / values.size)
        assert (book.scales, book.zero_points, book.dictionary) == (0, 0, 0)


def test_bf16_reaches_its_floor(weight: np.ndarray) -> None:
    values = weight.astype(ml_dtypes.bfloat16)
    patterns = values.view(np.uint16).reshape(-1, 1)
    by_field = sum(entropy(p) for p in (patterns >> 15, patterns >> 7 & 255, patterns & 127))
    made = profiled(values)
    found = made.stored
    assert found is not None
    assert made.floors["fields"] == pytest.approx(by_field)
    assert found.floors["huffman"] == pytest.approx(
        1 + entropy(patterns >> 7 & 255) + 7,
        abs=1e-4,  # groups that no code pays for are raw
    )
    assert by_field - 0.1 <= found.bits_per_weight["storage"] <= by_field + 0.1
    (table,) = found.huffman
    assert (table.symbol_bits, table.entries) == (8, len(np.unique(patterns >> 7 & 255)))
    assert table.streams == 6
    assert "huffman" in found.coding or "rans" in found.coding


def test_f32_that_holds_bf16_costs_what_bf16_costs(weight: np.ndarray) -> None:
    narrow = weight.astype(ml_dtypes.bfloat16)
    wide = profiled(narrow.astype(np.float32))
    assert wide.stored is not None
    assert (wide.dtype, wide.content_dtype, wide.stored.bits) == ("F32", "BF16", 32)
    expected = stored(narrow).bits_per_weight["storage"]
    assert wide.stored.bits_per_weight["storage"] == pytest.approx(expected, abs=0.01)


def test_weights_that_are_no_floats_have_none(weight: np.ndarray) -> None:
    codes = (weight * 900).astype(np.int8)
    assert profiled(codes).stored is None
    assert profiled(codes.view(np.uint8)).stored is None


def test_the_text_says_stored_against_coded(weight: np.ndarray) -> None:
    narrow = weight[:256].astype(ml_dtypes.bfloat16)
    for values, said in ((narrow, "BF16"), (narrow.astype(np.float32), "F32 that holds only BF16")):
        made = mp.profile({NAME: values}, granularity="tensor", chunk_sizes=2)
        (row,) = made.weights
        assert row.stored is not None
        size, bits = row.stored.bits_per_weight["storage"], row.stored.bits
        (line,) = [x for x in render_text(made, 500).splitlines() if ", as stored: " in x]
        assert line.startswith(said)
        assert f"{bits} -> {size:.2f} b/w under the storage codec, {bits / size:.2f}x" in line


def quantised(weight: np.ndarray) -> np.ndarray:
    """BF16 after simulated 4-bit quantisation, with a scale for each group of 128."""
    groups = weight.reshape(-1, 128)
    scale = np.abs(groups).max(1, keepdims=True) / np.float32(7)
    return (np.rint(groups / scale) * scale).astype(ml_dtypes.bfloat16).reshape(weight.shape)


def test_simulated_quantisation_takes_the_bits_of_its_steps(weight: np.ndarray) -> None:
    values = weight[:256, :1024]
    steps = values.reshape(-1, 128) / (np.abs(values.reshape(-1, 128)).max(1, keepdims=True) / 7)
    signed = np.where(np.rint(steps) == 0, np.copysign(0.5, steps), np.rint(steps))
    made = stored(quantised(values))
    of_steps = entropy(signed.reshape(-1, 1))
    assert of_steps < made.bits_per_weight["storage"] < of_steps + 0.25


def test_the_text_says_how_far_storage_is_above_the_floor_of_whole_values(
    weight: np.ndarray,
) -> None:
    few = weight.ravel()[:256].astype(ml_dtypes.bfloat16)
    chosen = few[np.random.default_rng(1).integers(0, 256, (1, 4096))]
    for values, is_above in ((chosen, True), (quantised(weight[:64, :1024]), False)):
        made = mp.profile({NAME: values}, granularity="tensor", chunk_sizes=2)
        (row,) = made.weights
        assert row.stored is not None
        assert row.floors["joint"] is not None
        excess = row.stored.ledgers["storage"].codes / row.count - row.floors["joint"]
        (line,) = [x for x in render_text(made, 500).splitlines() if ", as stored: " in x]
        said = f"{excess:.2f} b/w above the entropy of whole values without its tables"
        assert (excess >= 0.5) == (said in line) == is_above


def test_columns(weight: np.ndarray) -> None:
    model = {NAME: weight[:64], "codes": (weight[:64] * 900).astype(np.int8)}
    made = mp.profile(model, granularity="tensor", chunk_sizes=2)
    frame = made.to_dataframe().set_index("name")
    floats, codes = made.weights
    assert floats.stored is not None
    assert frame.loc[NAME, "stored_bits"] == 32
    expected = floats.stored.bits_per_weight
    assert frame.loc[NAME, "stored_storage_bpw"] == expected["storage"]
    assert frame.loc[NAME, "stored_huffman_bpw"] == expected["huffman"]
    assert frame.loc["codes", ["stored_bits", "stored_storage_bpw"]].isna().all()
    for weight_profile in (floats, codes):
        row, packing = frame.loc[weight_profile.name], weight_profile.packings[0]
        assert row["storage_bpw"] == packing.bits_per_weight["storage"]
        assert row["storage_coding"] == packing.storage_coding
        assert packing.huffman is not None
        for key in ("entries", "longest", "table_bits", "streams"):
            assert row[f"huffman_{key}"] == getattr(packing.huffman, key)


def test_real_bf16_is_two_thirds(shared_data: Path) -> None:
    made = mp.profile(
        shared_data / "weights" / "gpt-neo-125m-attention", granularity="tensor", chunk_sizes=2
    )
    bits = [w.stored.ledgers["storage"].total for w in made.weights if w.stored is not None]
    assert len(bits) == len(made.weights)
    values = sum(w.count for w in made.weights)
    fields = sum(w.floors["fields"] * w.count for w in made.weights) / values
    assert fields - 0.1 < sum(bits) / values < 0.664 * 16
