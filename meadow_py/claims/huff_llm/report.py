"""The results of the Huff-LLM retrace as JSON types: each claim, and the sets that reach it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meadow_py.claims.huff_llm.assumptions import (
    BANDS,
    CLAIMS,
    CLOCK,
    WeightsMeasured,
)
from meadow_py.simulator.huffman_hardware.area import Circuits, circuit_rows

if TYPE_CHECKING:
    from meadow_py.claims.huff_llm.retrace import HuffmanRetrace

Rows = Sequence[dict[str, Any]]

_VALUES = {claim.name: claim.value for claim in CLAIMS}
_SWEPT = ("model", "unit", "port", "buffer_bytes", "bandwidth", "overlap", "batch", "tokens")


def retrace_to_dict(found: HuffmanRetrace) -> dict[str, Any]:
    """See `HuffmanRetrace.to_dict`."""
    return {
        "version": 1,
        "kind": "huffman_retrace",
        "claims": [vars(claim) for claim in CLAIMS],
        "clock_hz": CLOCK,
        "circuits": circuit_rows(Circuits()),
        "axes": {name: [_plain(v) for v in values] for name, values in found.axes.items()},
        "sets": {"time": len(found.time_rows), "area": len(found.area_rows)},
        "weights": [_of_weights(found, one) for one in found.weights],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return vars(value) if hasattr(value, "__dict__") else value


def _of_weights(found: HuffmanRetrace, one: WeightsMeasured) -> dict[str, Any]:
    times = [row for row in found.time_rows if row["weights"] == one.name]
    areas = [row for row in found.area_rows if row["weights"] == one.name]
    return {
        "name": one.name,
        "dtype": one.dtype,
        "bits_per_weight": one.code.bits_per_weight,
        "floor": one.code.floor,
        "groups": [_group(group) for group in one.code.groups],
        "size_saving": one.size_saving,
        "latency": _reached(times, "latency_saving", _VALUES["latency"]),
        "energy": {
            band: _reached(times, f"energy_saving_{band}", _VALUES["energy"]) for band in BANDS
        },
        "area": {unit: _area(areas, unit) for unit in dict.fromkeys(r["unit"] for r in areas)},
        "all_three": _all_three(times, areas),
    }


def _group(group: Any) -> dict[str, Any]:
    return {
        "bits": group.width,
        "coded": group.coded,
        "entries": group.entries,
        "longest": group.longest,
        "bits_per_symbol": group.bits_per_symbol,
        "entropy": group.entropy,
    }


def _reached(rows: Rows, field: str, value: float) -> dict[str, Any]:
    """The number of sets that reach a saving, in total and by axis value, and the best set."""
    reached = [row for row in rows if row[field] >= value]
    best = max(rows, key=lambda row: row[field])
    return {
        "claim": value,
        "most": best[field],
        "least": min(row[field] for row in rows),
        "best_set": best,
        "sets": len(rows),
        "reached": len(reached),
        "by_axis": {name: _by_value(rows, reached, name) for name in _SWEPT},
        "least_weight_share": min((row["weight_share"] for row in reached), default=None),
    }


def _value(row: dict[str, Any], name: str) -> Any:
    return f"{row['prompt']}+{row['generated']}" if name == "tokens" else row[name]


def _by_value(rows: Rows, reached: Rows, name: str) -> dict[str, str]:
    """For each value of an axis, how many of its sets reach the claim."""
    values = list(dict.fromkeys(_value(row, name) for row in rows))
    return {
        f"{value:g}" if isinstance(value, float) else str(value): (
            f"{sum(_value(r, name) == value for r in reached)} of "
            f"{sum(_value(r, name) == value for r in rows)}"
        )
        for value in values
    }


def _area(rows: Rows, unit: str) -> dict[str, Any]:
    own = [row for row in rows if row["unit"] == unit]
    central = [row["area_overhead"] for row in own if _is_central(row)]
    limit = _VALUES["area"]
    smaller = "area_overhead_smaller_buffer"
    return {
        "least": min(row["area_overhead"] for row in own),
        "most": max(row["area_overhead"] for row in own),
        "with_default_circuits": [min(central), max(central)] if central else None,
        "sets": len(own),
        "at_most_claim": sum(row["area_overhead"] <= limit for row in own),
        "at_most_claim_smaller_buffer": sum(row[smaller] <= limit for row in own),
        "table_bytes": sorted({row["table_bytes"] for row in own}),
    }


def _is_central(row: dict[str, Any]) -> bool:
    """Whether a row has the middle of every range, and a canonical decoder."""
    usual = Circuits()
    return bool(
        row["decoder"] == "canonical"
        and row["sram_density"] == usual.sram_density.value
        and row["table_periphery"] == usual.table_periphery.value
    )


def _all_three(times: Rows, areas: Rows) -> dict[str, Any]:
    """Sets that reach both time and energy, and those of them whose unit also reaches the area."""
    fits = {
        (row["unit"], row["buffer_bytes"])
        for row in areas
        if row["area_overhead"] <= _VALUES["area"]
    }
    both = [
        row
        for row in times
        if row["latency_saving"] >= _VALUES["latency"]
        and row["energy_saving_typical"] >= _VALUES["energy"]
    ]
    held = [row for row in both if (row["unit"], row["buffer_bytes"]) in fits]
    return {
        "latency_and_energy": len(both),
        "with_area": len(held),
        "units": sorted({row["unit"] for row in held}),
    }
