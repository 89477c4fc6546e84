"""The words about measured products, which terminal and HTML share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py.spelling import ratio

if TYPE_CHECKING:
    from meadow_py.profiler import MeasuredHost
    from meadow_py.profiler.product_table import ProductRow

TITLE = "One vector through the weights as stored, read from memory"
COLUMNS = (
    "fields\nfloor",
    "storage\nb/w",
    "packed\nb/w",
    "dense\nus",
    "packed\nus",
    "byte\nratio",
    "speed",
)


def where(host: MeasuredHost) -> str:
    """The machine, and how fast its memory was."""
    threads = "1 thread" if host.threads == 1 else f"{host.threads} threads"
    return f"{host.cpu}, {host.isa}, {threads}, memory read at {_speed(host.read_bytes_per_second)}"


def verdict(total: ProductRow, host: MeasuredHost) -> str:
    """How packing changes the time of all products together."""
    dense = _reading(total.dense, total, total.dense_microseconds, host)
    if total.packed is None or total.packed_microseconds is None:
        return (
            f"Dense products {dense}. None of these weights has a packed form: neither BF16 nor "
            "finite F16 holds them."
        )
    packed = _reading(total.packed, total, total.packed_microseconds, host)
    return (
        f"Packed products read {_fewer(total)} and run at {ratio(total.speedup)} the speed, bit "
        f"for bit the same. Dense ones {dense}, packed ones {packed}.{_without(total)}"
    )


def _fewer(total: ProductRow) -> str:
    """``1.38x fewer bytes``, or ``1.30x as many bytes`` where the packed form is the larger one."""
    saved = total.byte_ratio
    if saved is None or saved >= 1:
        return f"{ratio(saved)} fewer bytes"
    return f"{ratio(1 / saved)} as many bytes"


def _without(total: ProductRow) -> str:
    if not total.without_packed:
        return ""
    return (
        f" {total.without_packed} of {total.weights} weights have no packed form and count as "
        "dense."
    )


def microseconds(value: float | None) -> str:
    """Microseconds: ``4.31``, ``96.2``, ``12,345``; a dash if there are none."""
    if value is None:
        return "-"
    return f"{value:,.{2 if value < 10 else 1 if value < 1000 else 0}f}"


def _reading(bits: float, total: ProductRow, took: float, host: MeasuredHost) -> str:
    """``read 21.3 GB/s, 85 % of what memory gives``."""
    reached = bits * total.values / 8 / (took * 1e-6)
    share = 100 * reached / host.read_bytes_per_second
    return f"read {_speed(reached)}, {share:.0f} % of what memory gives"


def _speed(bytes_per_second: float) -> str:
    return f"{bytes_per_second / 1e9:.3g} GB/s"
