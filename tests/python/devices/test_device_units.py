"""Numbers with units: bits and bytes are never mixed."""

from __future__ import annotations

import pytest

from meadow_py.devices import parse_bandwidth
from meadow_py.devices.quantity import UNITS, in_base_units


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("12Gb/s", 1.5e9),
        ("12 Gbit/s", 1.5e9),
        ("12 Gbps", 1.5e9),
        ("1 Gb/s", 0.125e9),
        ("12GB/s", 12e9),
        ("17.06 GB/s", 17_060_000_000),
        ("1,500 MB/s", 1.5e9),
        ("1 GiB/s", 2**30),
        ("1e9 B/s", 1e9),
    ],
)
def test_bits_and_bytes(text: str, bytes_per_second: float) -> None:
    assert parse_bandwidth(text) == bytes_per_second


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12", "unit is missing"),
        ("12 gb/s", "bits or bytes"),
        ("12 GBps", "bits or bytes"),
        ("12 KB/s", "ambiguous"),
        ("12 GHz", "unit of hertz"),
        ("12 parsecs", "unknown unit"),
        ("", "expected a number"),
        ("fast", "expected a number"),
        ("-1 Gb/s", "more than 0"),
        ("0 Gb/s", "more than 0"),
        ("1e999 Gb/s", "too large"),
        ("nan Gb/s", "expected a number"),
        ("1.2.3 Gb/s", "expected"),
    ],
)
def test_what_leaves_a_doubt_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"bandwidth=") as error:
        parse_bandwidth(text)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("32832 Kib", "bytes", 912 * 36 * 1024 / 8),
        ("512 KiB", "bytes", 512 * 1024),
        ("8 GB", "bytes", 8e9),
        ("4 TOPS", "operations/s", 4e12),
        ("150 GFLOPS", "operations/s", 150e9),
        ("100 MHz", "hertz", 1e8),
        ("5.5 W", "watts", 5.5),
        ("500 mW", "watts", 0.5),
        ("10.2 ms", "seconds", 0.0102),
        ("8 pJ/bit", "joules/bit", 8e-12),
        ("8 pJ/B", "joules/bit", 1e-12),
        ("70 %", "share", 0.7),
    ],
)
def test_other_dimensions(text: str, dimension: str, value: float) -> None:
    assert in_base_units(text, dimension) == pytest.approx(value, rel=1e-15)


def test_a_byte_is_eight_bits_in_every_unit() -> None:
    for dimension, after in (("bytes", ""), ("bytes/s", "/s")):
        units = UNITS[dimension]
        for prefix in ("", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"):
            assert units[f"{prefix}B{after}"] == 8 * units[f"{prefix}b{after}"]
