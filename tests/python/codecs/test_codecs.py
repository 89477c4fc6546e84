"""The codecs under one interface: round trips, and sizes that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meadow_py import FormatError
from meadow_py.codecs import (
    CODECS,
    CodeMatrix,
    decode,
    pack,
    pack_dictionary,
    pack_packets,
    stream_info,
)
from meadow_py.ledger import Ledger, dense_ledger, stream_ledger


def codes(rows: int = 40, columns: int = 60, seed: int = 2) -> np.ndarray:
    values = np.random.default_rng(seed).standard_t(3, (rows, columns)) * 4
    return np.clip(np.rint(values), -127, 127).astype(np.int8)


def matrices() -> st.SearchStrategy[np.ndarray]:
    dtypes = st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.uint32])
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)
    return st.tuples(dtypes, shapes).flatmap(lambda drawn: hnp.arrays(*drawn))


@given(
    matrices(), st.sampled_from(list(CODECS)), st.integers(1, 16), st.sampled_from(["in", "out"])
)
def test_round_trip(matrix: np.ndarray, codec: str, chunk: int, along: Any) -> None:
    stream = pack(matrix, codec, bits=matrix.itemsize * 8, chunk=chunk, along=along)
    again = decode(stream)
    assert again.dtype == matrix.dtype
    assert again.tobytes() == matrix.tobytes()
    ledger = stream_ledger(stream_info(stream))
    assert ledger.total == len(stream) * 8


@pytest.mark.parametrize("codec", list(CODECS))
def test_measuring_describes_the_very_stream(codec: str) -> None:
    matrix = CodeMatrix(codes(), chunk=2)
    stream = CODECS[codec].pack(matrix, True)
    assert CODECS[codec].measure(matrix, True) == stream_info(stream)
    assert stream == CODECS[codec].pack(CodeMatrix(codes(), chunk=2, threads=1), False)


@pytest.mark.parametrize("codec", list(CODECS))
def test_layout_of_the_array_does_not_matter(codec: str) -> None:
    wide = codes().astype(np.int16) * 200
    expected = pack(wide, codec, bits=16)
    for same in (
        np.asfortranarray(wide),
        np.repeat(wide, 2, axis=0)[::2],
        wide.astype(">i2"),
    ):
        assert pack(same, codec, bits=16) == expected


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("bits", [3, 8, 9, 16, 17])
def test_arrays_wider_or_narrower_than_their_codes(codec: str, bits: int) -> None:
    small = codes() % 4
    streams = {pack(small.astype(d), codec, bits=bits) for d in (np.int8, np.int16, np.int32)}
    assert len(streams) == 1
    np.testing.assert_array_equal(decode(streams.pop()), small)


def test_the_wrappers_are_the_codecs() -> None:
    matrix = codes()
    assert pack_dictionary(matrix) == pack(matrix, "naive")
    assert pack_packets(matrix) == pack(matrix, "reindexed")
    assert pack_packets(matrix, reindex=False) == pack(matrix, "packets")


def test_packets_of_ones_own() -> None:
    stream = pack_packets(codes(), packet_length=5, widths=(3, 7, 12))
    info = stream_info(stream)
    assert info["packet_length"] == 5
    assert tuple(info["widths"]) == (3, 7, 12)
    np.testing.assert_array_equal(decode(stream), codes())


def test_worked_layer_of_the_paper() -> None:
    """MEADOW's MLP1: 768 x 3072 INT8, 1272 distinct pairs, 11-bit indices, 1.4x.

    16 bits a pair / (11 + 1272 * 16 / 1179648) = 1.452 with the dictionary counted.
    """
    random = np.random.default_rng(0)
    values = np.arange(-18, 18)
    pairs = np.stack(np.meshgrid(values, values), -1).reshape(-1, 2)[:1272]
    drawn = np.concatenate([np.arange(1272), random.integers(0, 1272, 3072 * 384 - 1272)])
    matrix = pairs[random.permutation(drawn)].astype(np.int8).reshape(3072, 768)
    stream = pack_dictionary(matrix)
    info = stream_info(stream)
    assert (info["unique"], info["index_bits"]) == (1272, 11)
    assert matrix.nbytes / len(stream) == pytest.approx(1.452, abs=5e-4)
    np.testing.assert_array_equal(decode(stream), matrix)


def test_a_dense_ledger() -> None:
    ledger = dense_ledger(100, 4, scales=64, zero_points=16)
    assert ledger == Ledger(codes=400, scales=64, zero_points=16)
    assert ledger.total == 480
    assert ledger.per_weight(100) == 4.8


def test_a_ledger_that_does_not_add_up_is_a_bug() -> None:
    info = stream_info(pack(codes()))
    info["dictionary_bits"] -= 1
    with pytest.raises(RuntimeError, match="accounts for"):
        stream_ledger(info)


def test_a_truncated_stream() -> None:
    stream = pack(codes())
    for size in (0, 1, 39, len(stream) // 2, len(stream) - 1):
        with pytest.raises(FormatError):
            decode(stream[:size])
        with pytest.raises(FormatError):
            stream_info(stream[:size])


@pytest.mark.parametrize("chunk", [0, -2, 17])
def test_chunk_out_of_range(chunk: int) -> None:
    with pytest.raises(ValueError, match=f"chunk size {chunk}: expected 1 to 16"):
        pack(codes(), chunk=chunk)


@pytest.mark.parametrize("chunk", [2.0, "2", None, False])
def test_chunk_of_another_type(chunk: Any) -> None:
    with pytest.raises(TypeError, match="a chunk size is an integer"):
        pack(codes(), chunk=chunk)


def test_arguments_that_name_nothing() -> None:
    with pytest.raises(ValueError, match="codec 'zip': expected one of naive, packets, reindexed"):
        pack(codes(), "zip")
    with pytest.raises(ValueError, match="along='rows': expected 'in' or 'out'"):
        pack(codes(), along="rows")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (7,), (2, 2, 2, 2, 2), (0, 4), (4, 0)])
def test_shapes_that_are_no_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"dimensions|empty"):
        pack(np.zeros(shape, np.int8))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, np.complex64])
def test_dtypes_that_are_no_codes(dtype: Any) -> None:
    with pytest.raises(TypeError, match="expected int8, uint8"):
        pack(codes().astype(dtype))


def test_codes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"fit|bits"):
        pack(np.full((2, 2), 100, np.int8), bits=4)
    with pytest.raises(ValueError, match="codes hold 100 to 900, which do not fit 8 bits"):
        pack(np.array([[100, 900]], np.int16), bits=8)


@pytest.mark.parametrize("bits", [0, -1, 33])
def test_bits_out_of_range(bits: int) -> None:
    with pytest.raises(ValueError, match=f"bits={bits}: expected 1 to 32"):
        pack(codes(), bits=bits)


@pytest.mark.parametrize("threads", [-1, 2**70, "2"])
def test_threads_out_of_range(threads: Any) -> None:
    codes = np.zeros((2, 4), np.int8)
    for call in (
        lambda: pack(codes, threads=threads),
        lambda: decode(pack(codes), threads),
        lambda: stream_info(pack(codes), threads),
    ):
        with pytest.raises(ValueError, match="expected 1 to 1024"):
            call()


def test_flags_are_bools() -> None:
    codes = np.zeros((2, 4), np.int8)
    with pytest.raises(TypeError, match="verify='no': expected True or False"):
        pack(codes, verify="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reindex=1: expected True or False"):
        pack_packets(codes, reindex=1)  # type: ignore[arg-type]
