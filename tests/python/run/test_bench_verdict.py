"""Whether packing pays: one sentence for every outcome, from the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meadow_py.measure import Bandwidth, Cache, Host
from meadow_py.run import Bench, FormBench
from meadow_py.run.speed import Speed

MB = 1_000_000
HOST = Host(
    *("A CPU", "x86_64", 1, 2, 3, "avx2", ("scalar", "avx2"), 2),
    (Cache(3, "unified", 32 * MB, 2),),
    8_000 * MB,
    "Linux",
)
BANDWIDTH = Bandwidth(20e9, 19e9, 21e9, 256 * MB, 0, "huge", True, "avx2", 7)


def form(nbytes: int, rate: float, form: str) -> FormBench:
    """Of so many tokens a second."""
    return FormBench(
        matrices={form: 10},
        nbytes=nbytes,
        bytes_per_token=nbytes,
        decode_tokens_per_second=rate,
        decode_tokens_per_second_min=rate * 0.98,
        decode_tokens_per_second_max=rate * 1.02,
        prefill_tokens_per_second=10 * rate,
        product_seconds=0.5 / rate,
        bandwidth_fraction=nbytes * rate / BANDWIDTH.bytes_per_second,
        peak_anonymous_bytes=None,
    )


def bench(dense: float, packed: float, nbytes: int = 1000 * MB) -> Bench:
    """So many tokens a second, dense and packed, of so many bytes a token."""
    return Bench(
        *("model", "llama", 500 * MB, HOST, BANDWIDTH, 0, 128, 32, 5),
        dense=form(nbytes, dense, "BF16"),
        packed=form(nbytes * 3 // 4, packed, "planes"),
        same_bits=True,
    )


@pytest.mark.parametrize(
    ("dense", "packed", "nbytes", "said"),
    [
        (
            18.0,
            22.5,
            1000 * MB,
            "Packing pays here: decode is 1.25x faster because weights are read from memory at "
            "90 % of its bandwidth (packed ones at 84 %) and packed ones are 25 % smaller.",
        ),
        (
            8.0,
            10.0,
            1000 * MB,
            "Packing pays here: decode is 1.25x faster because packed weights are 25 % smaller, "
            "although dense ones are read from memory at only 40 % of its bandwidth.",
        ),
        (
            1000.0,
            1250.0,
            30 * MB,
            "Packing pays here: decode is 1.25x faster because fewer bytes come from the caches, "
            "and packed weights are 25 % smaller.",
        ),
        (
            18.0,
            18.3,
            1000 * MB,
            "Packing pays in memory here, not in speed: weights are 25 % smaller, but decode is as "
            "fast as before (1.02x) because decoding the packed weights is the limit, not memory: "
            "they are read at 69 % of its bandwidth, dense ones at 90 %.",
        ),
        (
            18.0,
            9.0,
            1000 * MB,
            "Packing does not pay here: decode runs at 0.50x the speed because decoding the packed "
            "weights is the limit, not memory: they are read at 34 % of its bandwidth, dense ones "
            "at 90 %; weights are 25 % smaller.",
        ),
        (
            8.0,
            6.0,
            1000 * MB,
            "Packing does not pay here: decode runs at 0.75x the speed because memory is not the "
            "limit: dense weights are read at 40 % of its bandwidth, and products take 50 % of a "
            "token; weights are 25 % smaller.",
        ),
        (
            1000.0,
            600.0,
            30 * MB,
            "Packing does not pay here: decode runs at 0.60x the speed because the weights that a "
            "token reads (30 MB) fit in the last-level cache (32 MB), so that memory is not the "
            "limit; weights are 25 % smaller.",
        ),
    ],
)
def test_every_outcome_has_its_sentence(
    dense: float, packed: float, nbytes: int, said: str
) -> None:
    assert bench(dense, packed, nbytes).verdict == said


def test_bits_come_before_speed() -> None:
    wrong = replace(bench(18.0, 22.5), same_bits=False)
    assert wrong.verdict.startswith("Do not run the packed form here: its logits differ")


def test_a_busy_machine_tells_nothing() -> None:
    made = bench(18.0, 22.5)
    slow = replace(made.packed, decode_tokens_per_second_min=10.0)
    said = replace(made, packed=slow).verdict
    assert said.startswith("This machine was too busy to tell whether packing pays here")
    assert "2.3x" in said


def test_weights_that_are_read_faster_than_memory_allows_tell_nothing() -> None:
    said = bench(30.0, 36.0).verdict  # 30 GB/s of 20 GB/s; the caches hold 3 % of the weights
    assert said == (
        "This machine was too busy to tell whether packing pays here: weights are read faster than "
        "its memory allowed when that was measured, so measure again when nothing else runs."
    )
    # 60 MB 600 times a second are 36 GB/s, of which caches of 32 MB may provide more than half.
    assert "too busy" not in bench(600.0, 700.0, 60 * MB).verdict


def _speed(nbytes: int, fraction: float | None) -> Speed:
    return Speed(5, 9, 0.1, 50.0, 10.0, nbytes, 1e9, 1e9, fraction, 260 << 20)


@pytest.mark.parametrize(
    ("nbytes", "fraction", "cached"),
    [
        (1070 * MB, 1.5, "unknown"),
        (1070 * MB, 1.2, "part"),
        (1070 * MB, 0.9, None),
        (1070 * MB, None, None),
        (200 * MB, 1.5, "all"),
        (200 * MB, 0.9, None),
    ],
)
def test_weights_stay_in_caches_only_where_they_fit(
    nbytes: int, fraction: float | None, cached: str | None
) -> None:
    speed = _speed(nbytes, fraction)
    assert speed.cached == cached
    assert "cache_bytes" not in speed.to_dict()


def test_what_was_not_packed_is_not_praised() -> None:
    made = bench(18.0, 22.5)
    same = replace(made, packed=made.dense)
    assert same.verdict == (
        "Packing does nothing here: none of the 10 matrices (BF16) has a packed form."
    )


def test_memory_stands_in_the_table_where_it_was_measured() -> None:
    made = bench(18.0, 22.5)
    row = next(line for line in repr(made).splitlines() if "peak anonymous" in line)
    assert row.split()[-3:] == ["-", "-", "-"]
    text = repr(made.with_memory(1000 * MB, 760 * MB))
    row = next(line for line in text.splitlines() if "peak anonymous" in line)
    assert row.split()[-5:] == ["1", "GB", "760", "MB", "0.76x"]
