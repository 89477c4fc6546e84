"""Every figure recomputed in numpy; every bit of every stream accounted for."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy_reference import cut, entropy, huffman_lengths, index_width, quantized

import meadow_py as mp
from meadow_py.codecs import CodeMatrix, pack_packets
from meadow_py.quantizers import quantize

ROWS, COLUMNS = 48, 96
NAME = "model.decoder.layers.0.fc1.weight"


@pytest.fixture(scope="module")
def weight() -> np.ndarray:
    drawn = np.random.default_rng(7).standard_t(4, (ROWS, COLUMNS)) * 0.02
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def made(weight: np.ndarray) -> mp.Profile:
    granularity = ("tensor", "row", "group:32")
    return mp.profile({NAME: weight}, bits=(8, 4), granularity=granularity, chunk_sizes=(1, 2, 5))


def test_one_packing_per_setting_in_order(made: mp.Profile) -> None:
    settings = [(p.bits, p.granularity, p.chunk_size) for p in made.weights[0].packings]
    assert settings == [
        (b, g, c) for b in (8, 4) for g in ("tensor", "row", "group:32") for c in (1, 2, 5)
    ]


def test_counts_and_floors(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        codes = quantized(weight, packing.bits, packing.granularity)
        chunks = cut(codes, packing.chunk_size)
        unique = len(np.unique(chunks, axis=0))
        bpw = packing.bits_per_weight
        assert packing.unique_chunks == unique
        assert packing.reduction_ratio == pytest.approx(len(chunks) / unique)
        assert bpw["floor_symbol"] == pytest.approx(entropy(codes.reshape(-1, 1)), abs=1e-9)
        floor = entropy(chunks) * len(chunks) / weight.size
        assert bpw["floor_chunk"] == pytest.approx(floor, abs=1e-9)
        alone = index_width(unique) * len(chunks) / weight.size
        assert bpw["index_only"] == pytest.approx(alone, abs=1e-12)


def test_plain_huffman(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        codes = quantized(weight, packing.bits, packing.granularity)
        _, counts = np.unique(codes, return_counts=True)
        payload = int((counts * huffman_lengths(counts)).sum())
        book = packing.ledgers["plain_huffman"]
        assert (book.codes, book.tables) == (payload, 8 * 2**packing.bits)
        assert book.scales == packing.ledgers["dense"].scales
        assert packing.bits_per_weight["plain_huffman"] == book.total / weight.size
        assert payload >= packing.bits_per_weight["floor_symbol"] * weight.size


def test_plain_huffman_of_one_symbol_takes_a_bit_each() -> None:
    packing = mp.profile({NAME: np.zeros((4, 6), np.float32)}).weights[0].packings[0]
    assert packing.ledgers["plain_huffman"].codes == 24


def test_values(made: mp.Profile, weight: np.ndarray) -> None:
    values = made.weights[0].values
    assert values is not None
    codes = quantized(weight, 8, "tensor")
    expected = np.bincount(codes.reshape(-1).astype(int) + 127, minlength=255)
    assert values.counts == tuple(expected)
    assert (values.low, values.high) == (weight.min(), weight.max())
    assert values.mean == pytest.approx(weight.mean(dtype=np.float64), rel=1e-9)
    assert values.std == pytest.approx(weight.std(dtype=np.float64), rel=1e-9)
    assert values.first * values.step == pytest.approx(-np.abs(weight).max(), rel=1e-6)


@pytest.mark.parametrize(("dtype", "first"), [(np.int8, -128), (np.uint8, 0)])
def test_values_of_stored_codes(dtype: Any, first: int) -> None:
    codes = np.random.default_rng(3).integers(0, 256, (8, 9)).astype(np.uint8).view(dtype)
    values = mp.profile({NAME: codes}).weights[0].values
    assert values is not None
    assert (values.first, values.step, len(values.counts)) == (first, 1.0, 256)
    expected = np.bincount(codes.reshape(-1).astype(int) - first, minlength=256)
    assert values.counts == tuple(expected)


def test_growth_of_the_dictionary(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        chunks = cut(quantized(weight, packing.bits, packing.granularity), packing.chunk_size)
        assert len(packing.growth) == 16
        assert packing.growth[-1] == (len(chunks), packing.unique_chunks)
        for read, distinct in packing.growth:
            assert distinct == len(np.unique(chunks[:read], axis=0))


def test_buffers_hold_the_dictionaries_of_a_share_of_the_weights() -> None:
    drawn = np.random.default_rng(5).standard_t(4, (20, 16, 32)).astype(np.float32)
    weights = {f"model.decoder.layers.{n}.fc1.weight": w for n, w in enumerate(drawn)}
    made = mp.profile(weights, bits=4, granularity="tensor", chunk_sizes=3)
    sizes = sorted(-(-w.packings[0].unique_chunks * 3 * 4 // 8) for w in made.weights)
    assert made.summary()[0].chunks[0].buffers == (sizes[9], sizes[18], sizes[19])


def test_dense_and_scales(made: mp.Profile, weight: np.ndarray) -> None:
    scales = {"tensor": 1, "row": ROWS, "group:32": ROWS * COLUMNS // 32}
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        beside = 32 * scales[packing.granularity] / weight.size
        assert packing.bits_per_weight["scales"] == pytest.approx(beside)
        assert packing.bits_per_weight["dense"] == pytest.approx(packing.bits + beside)


def test_asymmetric_zero_points_are_counted(weight: np.ndarray) -> None:
    made = mp.profile({NAME: weight}, granularity="row", chunk_sizes=2, symmetric=False)
    packing = made.weights[0].packings[0]
    assert packing.ledgers["naive"].zero_points == 8 * ROWS
    assert packing.bits_per_weight["scales"] == pytest.approx(40 * ROWS / weight.size)


def test_ledgers_add_up_to_the_bytes(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        coded = quantize(weight, packing.bits, granularity=packing.granularity)
        matrix = CodeMatrix(coded.codes, packing.bits, packing.chunk_size)
        streams = {
            "naive": matrix.chunks.pack_dictionary(),
            "packets": matrix.chunks.pack_packets(reindex=False),
            "reindexed": matrix.chunks.pack_packets(reindex=True),
        }
        for codec, stream in streams.items():
            ledger = packing.ledgers[codec]
            stored = len(stream) * 8 + coded.scale_bits
            assert ledger.total == stored
            assert packing.bits_per_weight[codec] == pytest.approx(stored / weight.size)
            dictionary = packing.unique_chunks * packing.chunk_size * packing.bits
            assert ledger.dictionary == dictionary
        chunks = len(cut(coded.codes, packing.chunk_size))
        assert packing.ledgers["naive"].indices == chunks * index_width(packing.unique_chunks)


def test_the_packet_layout_makes_the_same_stream(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        coded = quantize(weight, packing.bits, granularity=packing.granularity)
        stream = pack_packets(
            coded.codes,
            bits=packing.bits,
            chunk=packing.chunk_size,
            packet_length=packing.packet.length,
            widths=packing.packet.widths,
        )
        assert len(stream) * 8 + coded.scale_bits == packing.ledgers["reindexed"].total
        assert packing.packet.mode_bits == index_width(len(packing.packet.widths))


def test_complete_coders_stay_above_the_floor_of_their_alphabet(made: mp.Profile) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        bpw = packing.bits_per_weight
        for codec in ("naive", "packets", "reindexed"):
            assert bpw[codec] >= bpw["floor_chunk"]


@pytest.mark.parametrize(
    ("dtype", "pattern", "exponent", "mantissa"),
    [
        (ml_dtypes.bfloat16, np.uint16, 8, 7),
        (np.float16, np.uint16, 5, 10),
        (ml_dtypes.float8_e4m3fn, np.uint8, 4, 3),
    ],
)
def test_floors_of_stored_floats(
    weight: np.ndarray, dtype: Any, pattern: type, exponent: int, mantissa: int
) -> None:
    stored = weight.astype(dtype)
    floors = mp.profile({NAME: stored}, granularity="tensor", chunk_sizes=2).weights[0].floors
    bits = stored.view(pattern).reshape(-1, 1).astype(np.int64)
    parts = (
        bits >> (exponent + mantissa),
        bits >> mantissa & (1 << exponent) - 1,
        bits & (1 << mantissa) - 1,
    )
    assert floors["fields"] == pytest.approx(sum(entropy(part) for part in parts), abs=1e-9)
    assert floors["joint"] == pytest.approx(entropy(bits), abs=1e-9)


def test_f32_that_holds_narrower_values(weight: np.ndarray) -> None:
    for dtype, spelled in ((ml_dtypes.bfloat16, "BF16"), (np.float16, "F16")):
        narrow = weight.astype(dtype)
        made = mp.profile({NAME: narrow.astype(np.float32)}, granularity="row", chunk_sizes=2)
        profiled = made.weights[0]
        assert (profiled.dtype, profiled.content_dtype) == ("F32", spelled)
        expected = entropy(narrow.view(np.uint16).reshape(-1, 1))
        assert profiled.floors["joint"] == pytest.approx(expected, abs=1e-9)
    assert mp.profile({NAME: weight}, chunk_sizes=2).weights[0].floors["joint"] is None


def test_symbol_floor_of_a_weight_is_that_of_the_first_setting(made: mp.Profile) -> None:
    profiled = made.weights[0]
    assert profiled.floors["symbol"] == profiled.packings[0].bits_per_weight["floor_symbol"]


def test_snr_is_that_of_the_quantiser(made: mp.Profile, weight: np.ndarray) -> None:
    assert made.weights[0].packings
    for packing in made.weights[0].packings:
        coded = quantize(weight, packing.bits, granularity=packing.granularity)
        assert packing.snr_db == coded.snr_db
        assert packing.snr_db is not None
        assert math.isfinite(packing.snr_db)


def test_chunks_along_the_output_dimension(weight: np.ndarray) -> None:
    across = mp.profile({NAME: weight}, granularity="tensor", chunk_sizes=5, along="out")
    turned = {NAME: np.ascontiguousarray(weight.T)}
    along = mp.profile(turned, granularity="tensor", chunk_sizes=5)
    assert across.weights[0].packings[0].unique_chunks == along.weights[0].packings[0].unique_chunks


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_stored_codes_are_packed_as_they_are(dtype: Any) -> None:
    codes = np.random.default_rng(3).integers(0, 100, (16, 32)).astype(dtype)
    made = mp.profile({NAME: codes}, bits=(8, 4), chunk_sizes=(2, 3))
    profiled = made.weights[0]
    assert [(p.bits, p.granularity) for p in profiled.packings] == [(8, "stored")] * 2
    for packing in profiled.packings:
        assert packing.unique_chunks == len(np.unique(cut(codes, packing.chunk_size), axis=0))
        assert packing.snr_db is None
        assert packing.bits_per_weight["scales"] == 0
        assert packing.bits_per_weight["dense"] == 8
    assert "INT8 codes as stored" in repr(made)


def test_chunks_longer_than_a_row() -> None:
    narrow = np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    packing = mp.profile({NAME: narrow}, chunk_sizes=16).weights[0].packings[0]
    codes = quantized(narrow, 8, "tensor")
    assert packing.unique_chunks == len(np.unique(codes, axis=0))
    assert packing.reduction_ratio == pytest.approx(50 / packing.unique_chunks)


def test_a_weight_of_zeros() -> None:
    made = mp.profile({NAME: np.zeros((8, 16), np.float32)}, chunk_sizes=2)
    packing = made.weights[0].packings[0]
    assert (packing.unique_chunks, packing.snr_db) == (1, None)
    assert packing.bits_per_weight["floor_symbol"] == 0
    assert packing.bits_per_weight["index_only"] == 0
    assert "exact" in repr(made)


def test_threads_do_not_change_a_figure(weight: np.ndarray) -> None:
    one, many = (
        mp.profile({NAME: weight}, chunk_sizes=(2, 4), threads=threads).to_dict()
        for threads in (1, 7)
    )
    assert one["weights"] == many["weights"]
    assert (one["host"]["threads"], many["host"]["threads"]) == (1, 7)


def test_without_verification_the_figures_are_the_same(weight: np.ndarray) -> None:
    checked, unchecked = (mp.profile({NAME: weight}, verify=verify) for verify in (True, False))
    assert checked.weights == unchecked.weights
    assert "every stream decoded and compared" in " ".join(repr(checked).split())
    assert "not verified" in repr(unchecked)


def test_stages_are_timed(made: mp.Profile) -> None:
    assert set(made.seconds) == {"read", "floors", "values", "code", "quantise", "unique", "pack"}
    assert all(seconds > 0 for seconds in made.seconds.values())
