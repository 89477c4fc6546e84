"""Seconds: from cold, of a token, through tiles. Each is computed again here."""

from __future__ import annotations

import math

import pytest
from test_plan_places import TINY, WEIGHTS, board, planned

import meadow_py as mp
from meadow_py import devices, workload
from meadow_py.planner.times import matrices_of
from meadow_py.workload import shape_of

KV = 2 * 2 * 32 * (64 + 1)


def test_a_token_is_bytes_over_bandwidth() -> None:
    (option,) = planned(board(1e9)).options
    memory = devices.get("raspberry-pi-5").memory
    assert memory is not None
    assert memory.achieved is not None
    kv = KV  # 64 tokens read, one written
    assert option.tokens_per_s is not None
    assert 1 / option.tokens_per_s.typical == pytest.approx((WEIGHTS + kv) / 10.2e9)
    assert 1 / option.tokens_per_s.low == pytest.approx((WEIGHTS + kv) / 9.76e9)
    assert option.bound == "memory"


def test_first_token_from_cold() -> None:
    (option,) = planned(board(1e9), read_efficiency=0.5).options
    (card,) = option.storages
    assert card.read_s.typical == pytest.approx(WEIGHTS / (90e6 * 0.5))
    assert option.prefill_s is not None
    assert card.first_token_s is not None
    expected = card.read_s.typical + option.prefill_s.typical
    assert card.first_token_s.typical == pytest.approx(expected)
    assert option.first_token_s == card.first_token_s
    assert card.streamed_tokens_per_s is None


def test_a_prompt_is_arithmetic_or_reading_the_weights() -> None:
    made = mp.plan("opt-125m", "raspberry-pi-5", precisions=["w8a8"], prompt=512, context=512)
    work = workload.of("opt-125m", tokens=512)
    operations = 2 * int(work.total("macs")) + int(work.total("other_operations"))
    band = made.options[0].prefill_s
    assert band is not None
    assert band.typical == pytest.approx(operations / (614.4e9 * 0.4))
    assert band.low == pytest.approx(operations / (614.4e9 * 0.8))


def test_streaming_reads_what_memory_does_not_keep() -> None:
    need = planned(board(1e9)).options[0].footprint
    room = need.working + WEIGHTS / 4
    (option,) = planned(board(room), read_efficiency=1.0).options
    assert option.bound == "storage"
    assert option.tokens_per_s is not None
    streamed, kept = 0.75 * WEIGHTS / 90e6, (0.25 * WEIGHTS + KV) / 10.2e9
    assert 1 / option.tokens_per_s.typical == pytest.approx(streamed + kept)
    # In the slow case the page cache keeps nothing until the next token.
    assert 1 / option.tokens_per_s.low == pytest.approx(WEIGHTS / 40e6 + KV / 9.76e9)
    (card,) = option.storages
    assert card.streamed_tokens_per_s == option.tokens_per_s
    assert card.first_token_s is not None
    assert card.first_token_s.typical >= WEIGHTS / 90e6


def test_files_load_as_slowly_as_memory_maps_do() -> None:
    """llama.cpp #9244: 0.73 GB/s of 6.4 on an M3 Max: the slow end of the assumption."""
    (option,) = mp.plan("llama-3.2-1b", "apple-m3-max", precisions=["w16a16"]).options
    (disk,) = option.storages
    assert disk.read_s.high == pytest.approx(option.footprint.weights / 0.73e9)
    assert disk.read_s.low == pytest.approx(option.footprint.weights / 6.4e9)


def test_flash_is_read_without_a_file_system() -> None:
    (option,) = mp.plan(TINY, "stm32h743", precisions=["w8a8"]).options
    assert option.storages[1].name == "NOR flash"
    assert option.storages[1].read_s.typical == pytest.approx(WEIGHTS / 40e6)


@pytest.mark.parametrize("name", workload.names())
def test_tiled_matrices_are_all_matrices(name: str) -> None:
    shape = shape_of(name)
    products = sum(rows * columns * count for _, rows, columns, count in matrices_of(shape))
    assert products == shape.decoder_weights + shape.head_weights


def test_tiles_fit_into_two_buffers_and_cover_the_matrix() -> None:
    made = mp.plan("opt-125m", "zcu102", bandwidth="12Gb/s", precisions=["w8a8"], context=128)
    (option,) = made.options
    tiling = option.tiling
    assert tiling is not None
    # Of one token: the head's input and output, and the residual.
    on_chip = 0.9 * 912 * 36 * 1024 / 8
    assert tiling.buffer_bytes == pytest.approx((on_chip - 768 - 50272 - 768) / 2)
    for matrix in tiling.matrices:
        assert matrix.tile_bytes <= tiling.buffer_bytes
        assert (
            matrix.tile_rows * matrix.tiles >= matrix.rows > matrix.tile_rows * (matrix.tiles - 1)
        )
        fetch, compute = matrix.fetch_s / matrix.tiles, matrix.compute_s / matrix.tiles
        assert matrix.fetch_s == pytest.approx(matrix.rows * matrix.columns / 1.5e9)
        steps = [fetch, *[max(fetch, compute)] * (matrix.tiles - 1), compute]
        assert matrix.seconds == pytest.approx(math.fsum(steps))
    assert tiling.seconds == pytest.approx(sum(m.count * m.seconds for m in tiling.matrices))
    assert option.tokens_per_s is not None
    assert 1 / option.tokens_per_s.typical >= tiling.seconds


def test_rows_that_do_not_fit_are_cut() -> None:
    (option,) = mp.plan(
        TINY,
        board(1e9, on_chip=3000.0),
        precisions=["w8a8"],
        context=4,
        prompt=1,
        usable_memory=1.0,
    ).options
    tiling = option.tiling
    assert tiling is not None
    down = next(m for m in tiling.matrices if m.name == "mlp.down")
    assert down.tile_rows == int(tiling.buffer_bytes // 128)
    (option,) = mp.plan(
        TINY, board(1e9, on_chip=600.0), precisions=["w8a8"], context=4, prompt=1, usable_memory=1.0
    ).options
    assert option.tiling is not None
    assert {m.tile_rows for m in option.tiling.matrices if m.columns == 128} == {0}
    assert all(m.tile_bytes <= option.tiling.buffer_bytes for m in option.tiling.matrices)


def test_double_buffering_hides_the_shorter_of_the_two() -> None:
    """More tiles come closer to max(fetch, compute), never below it."""
    (option,) = mp.plan("opt-125m", "zcu102", bandwidth="1Gb/s", precisions=["w8a8"]).options
    tiling = option.tiling
    assert tiling is not None
    for matrix in tiling.matrices:
        longer = max(matrix.fetch_s, matrix.compute_s)
        assert longer < matrix.seconds <= matrix.fetch_s + matrix.compute_s + 1e-12
