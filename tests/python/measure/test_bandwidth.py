"""How fast memory and disks are: that it was really read, how much, and what arguments do."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from meadow_py import _core
from meadow_py.measure import (
    Bandwidth,
    DiskBandwidth,
    best_read_bandwidth,
    compute_speed,
    disk_read_bandwidth,
    host,
    read_bandwidth,
)
from meadow_py.measure.memory import anonymous, has_huge_pages, usable_bytes

SMALL = 1 << 20


def is_speed(made: Bandwidth | DiskBandwidth) -> bool:
    low, high = made.bytes_per_second_min, made.bytes_per_second_max
    return 0 < low <= made.bytes_per_second <= high < math.inf


@pytest.mark.parametrize("words", [0, 1, 63, 64, 65, 4099, 3_000_017])
@pytest.mark.parametrize("threads", [0, 1, 3])
def test_the_checksum_is_of_every_word(words: int, threads: int) -> None:
    values = np.random.default_rng(words).integers(0, 2**64, words, dtype=np.uint64)
    expected = int(np.bitwise_xor.reduce(values)) if words else 0
    before = _core.isa_active()
    try:
        for isa in _core.isa_available():
            _core.isa_select(isa)
            assert _core.read_stream(values.view(np.uint8), threads) == expected
    finally:
        _core.isa_select(before)


def test_what_is_no_row_of_words_is_refused() -> None:
    raw = np.zeros(64, np.uint8)
    for bad, error in (
        (raw[:9], ValueError),
        (raw[1:9], ValueError),
        (raw[::2], TypeError),
        (raw.view(np.uint64), TypeError),
        (raw.reshape(8, 8), TypeError),
    ):
        with pytest.raises(error, match="buffer: expected"):
            _core.read_stream(bad)


@pytest.mark.parametrize("pages", ["huge", "small"])
@pytest.mark.parametrize("threads", [0, 1])
def test_a_bandwidth_says_what_was_read(pages: str, threads: int) -> None:
    made = read_bandwidth(threads, SMALL + 5, pages)  # type: ignore[arg-type]
    assert is_speed(made)
    assert (made.nbytes, made.threads, made.pages) == (SMALL, threads, pages)
    assert made.isa == _core.isa_active()
    assert made.to_dict()["bytes_per_second"] == made.bytes_per_second
    if pages == "small":
        assert not made.has_huge_pages


def test_a_bandwidth_is_measured_once_unless_asked_for_again() -> None:
    first = read_bandwidth(1, SMALL)
    assert read_bandwidth(1, SMALL) is first
    assert read_bandwidth(1, SMALL, fresh=True) is not first


def test_what_is_read_unasked_exceeds_the_caches() -> None:
    made = best_read_bandwidth()
    assert made.nbytes >= min(4 * host().last_level_cache_bytes, usable_bytes() // 2)
    assert is_speed(made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"nbytes": 100}, "nbytes=100"),
        ({"pages": "large"}, "pages='large'"),
        ({"threads": -1}, "threads=-1"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_bandwidth(**arguments)  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="smaps is Linux's")
def test_huge_pages_are_seen_where_they_are() -> None:
    small = anonymous(8 << 20, "small")
    assert has_huge_pages(small) is False
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not enabled.is_file() or "[never]" in enabled.read_text():
        pytest.skip("this system gives no transparent huge pages")
    assert isinstance(has_huge_pages(anonymous(64 << 20, "huge")), bool)
    assert (small == 0x5A).all()


def test_a_disk_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    made = disk_read_bandwidth(tmp_path, 5 << 20)
    assert is_speed(made)
    assert made.nbytes == 8 << 20  # whole pieces
    assert made.method in ("O_DIRECT", "posix_fadvise")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        disk_read_bandwidth(tmp_path / "none")
    with pytest.raises(ValueError, match="nbytes=0"):
        disk_read_bandwidth(tmp_path, 0)


def test_a_disk_is_read_where_nothing_bypasses_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meadow_py.measure import disk

    monkeypatch.delattr(disk.os, "O_DIRECT", raising=False)
    made = disk_read_bandwidth(tmp_path, 4 << 20)
    assert made.method == "posix_fadvise"
    assert made.note
    assert is_speed(made)


def test_arithmetic_has_a_speed() -> None:
    made = compute_speed(1)
    for name, value in made.to_dict().items():
        if name.endswith("per_second"):
            assert 0 < value < math.inf, name
    assert (made.threads, made.isa) == (1, _core.isa_active())
