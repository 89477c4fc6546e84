"""A simulation as JSON types and as rows, and back."""

from __future__ import annotations

import json
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from meadow_py.devices import Device
from meadow_py.errors import FormatError
from meadow_py.files.writing import write_whole
from meadow_py.simulator.result import Assumption, Band, Energy, LayerTime, Phase, Simulation
from meadow_py.simulator.settings import Settings
from meadow_py.workload import ModelShape, Precision

VERSION = 1
_COMPONENTS = ("off_chip", "on_chip", "compute", "static")
_PHASES = ("prefill", "decode")
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def simulation_to_dict(simulation: Simulation) -> dict[str, Any]:
    """See `Simulation.to_dict` and docs/json.md."""
    per_token = simulation.energy_per_token
    return {
        "version": VERSION,
        "model": simulation.model.to_dict(),
        "device": simulation.device.to_dict(),
        "dataflow": simulation.dataflow,
        "packing": simulation.packing,
        "precision": asdict(simulation.precision),
        "prompt": simulation.prompt,
        "generate": simulation.generate,
        "batch": simulation.batch,
        "context": simulation.context,
        "head": simulation.head,
        "overlap": simulation.overlap,
        "bandwidth": simulation.bandwidth,
        "peak_macs_per_s": simulation.peak_macs_per_s,
        "prefill_s": simulation.prefill_s,
        "decode_s_per_token": simulation.decode_s_per_token,
        "decode_floor_s_per_token": simulation.decode_floor_s_per_token,
        "tokens_per_s": simulation.tokens_per_s,
        "energy": {
            "prefill": _energy(simulation.prefill.energy),
            "per_token": None if per_token is None else _energy(per_token),
        },
        "prefill": _phase(simulation.prefill),
        "decode": None if simulation.decode is None else _phase(simulation.decode),
        "settings": asdict(simulation.settings),
        "assumptions": [asdict(one) for one in simulation.assumptions],
    }


def simulation_to_rows(simulation: Simulation) -> list[dict[str, Any]]:
    """One row per phase, layer and operation."""
    return [
        {"phase": name, **asdict(row)}
        for name in _PHASES
        if (phase := getattr(simulation, name)) is not None
        for row in phase.layers
    ]


def save(simulation: Simulation, path: str | os.PathLike[str]) -> None:
    """See `Simulation.save`."""
    write_whole(path, json.dumps(simulation.to_dict(), indent=2, allow_nan=False) + "\n")


def load(path: str | os.PathLike[str]) -> Simulation:
    """See `Simulation.load`."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON, so not a simulation: {error}") from error
    if not isinstance(data, dict) or "version" not in data or "prefill" not in data:
        raise FormatError(f"{path}: not a simulation: expected an object with version and prefill")
    if data["version"] != VERSION:
        raise FormatError(
            f"{path}: simulation version {data['version']!r}, this library reads version "
            f"{VERSION}: update meadow_py, or simulate again"
        )
    try:
        return _from_dict(data)
    except _DAMAGE as error:
        raise FormatError(f"{path}: damaged simulation: {error!r}") from error


def _energy(energy: Energy) -> dict[str, Any]:
    bands = {name: getattr(energy, name) for name in _COMPONENTS}
    return {name: asdict(band) for name, band in {**bands, "total": energy.total}.items()}


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "seconds": phase.seconds,
        "tokens": phase.tokens,
        "context": phase.context,
        "overhead_s": phase.overhead_s,
        "energy": _energy(phase.energy),
        "layers": [asdict(row) for row in phase.layers],
    }


def _phase_from(data: Mapping[str, Any]) -> Phase:
    bands = {name: Band(**data["energy"][name]) for name in _COMPONENTS}
    return Phase(
        layers=tuple(LayerTime(**row) for row in data["layers"]),
        seconds=float(data["seconds"]),
        energy=Energy(**bands),
        tokens=int(data["tokens"]),
        context=int(data["context"]),
        overhead_s=float(data["overhead_s"]),
    )


def _from_dict(data: Mapping[str, Any]) -> Simulation:
    known = {field.name for field in fields(Simulation)} - {"packing_used"}
    made = {key: value for key, value in data.items() if key in known}
    made["device"] = rebuilt(Device, data["device"])
    made["prefill"] = _phase_from(data["prefill"])
    made["decode"] = None if data["decode"] is None else _phase_from(data["decode"])
    made["model"] = rebuilt(ModelShape, data["model"])
    made["precision"] = rebuilt(Precision, data["precision"])
    made["settings"] = rebuilt(Settings, data["settings"])
    made["assumptions"] = tuple(rebuilt(Assumption, one) for one in data["assumptions"])
    return Simulation(**made)


def rebuilt(kind: Any, value: Any) -> Any:
    """A dataclass, or a tuple or union of them, from the JSON types of `dataclasses.asdict`."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in inside if one is not type(None)]
        return None if value is None else rebuilt(kinds[0], value)
    if origin is tuple:
        return tuple(rebuilt(inside[0], one) for one in value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        known = {field.name for field in fields(kind)}
        return kind(**{key: rebuilt(hints[key], v) for key, v in value.items() if key in known})
    return value
