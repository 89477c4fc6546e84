"""Plans as JSON types and as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from meadow_py.planner.result import Option, Plan
from meadow_py.simulator import Band

VERSION = 1


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Bytes, seconds, tokens per second and joules."""
    return {
        "version": VERSION,
        "kind": "plan",
        "model": plan.model.to_dict(),
        "device": plan.device.to_dict(),
        "context": plan.context,
        "prompt": plan.prompt,
        "batch": plan.batch,
        "fits": plan.fits,
        "room": dict(plan.room),
        "options": [_option(option) for option in plan.options],
        "assumptions": [asdict(assumption) for assumption in plan.assumptions],
        "notes": list(plan.notes),
    }


def plan_to_rows(plan: Plan) -> list[dict[str, Any]]:
    """One flat row per option; bands as their typical value, with ``_low`` and ``_high`` beside."""
    return [_row(option) for option in plan.options]


def _option(option: Option) -> dict[str, Any]:
    made: dict[str, Any] = asdict(option)
    made["precision"] = str(option.precision)
    made["in_memory"] = option.in_memory
    first = option.first_token_s
    made["first_token_s"] = None if first is None else asdict(first)
    made["footprint"] |= {"working": option.footprint.working, "total": option.footprint.total}
    made["storages"] = list(made["storages"])
    if made["tiling"] is not None:
        made["tiling"]["matrices"] = list(made["tiling"]["matrices"])
    return made


def _row(option: Option) -> dict[str, Any]:
    need = option.footprint
    row: dict[str, Any] = {
        "precision": str(option.precision),
        "packing": option.packing,
        "place": option.place,
        "where": option.where,
        "weight_bytes": need.weights,
        "file_bytes": need.file,
        "kv_cache_bytes": need.kv_cache,
        "activation_bytes": need.activations,
        "total_bytes": need.total,
        "longest_context": option.longest_context,
        "bound": option.bound,
    }
    for name in ("first_token_s", "prefill_s", "tokens_per_s", "energy_per_token_j"):
        band: Band | None = getattr(option, name)
        row[name] = None if band is None else band.typical
        row[f"{name}_low"] = None if band is None else band.low
        row[f"{name}_high"] = None if band is None else band.high
    return row
