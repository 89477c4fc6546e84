"""A sweep as JSON and back. Only its profile is read, because the rest follows from it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from meadow_py.errors import FormatError
from meadow_py.files import write_whole
from meadow_py.profiler.serial import profile_from_json, to_json
from meadow_py.results import read_json
from meadow_py.sensitivity.result import Sensitivity
from meadow_py.sensitivity.spots import SweetSpot

VERSION = 1


def head_to_dict(sweep: Sensitivity) -> dict[str, Any]:
    """Everything in a sweep except its profile, as JSON types."""
    return {
        "version": VERSION,
        "kind": "sweep",
        "sweet_spots": [_spot_to_dict(spot) for spot in sweep.sweet_spots],
    }


def _spot_to_dict(spot: SweetSpot) -> dict[str, Any]:
    chosen = spot.sweet_spot
    return {**asdict(spot), "sweet_spot": None if chosen is None else asdict(chosen)}


def sweep_to_json(sweep: Sensitivity) -> str:
    """Strict JSON (no NaN, no Infinity), one line per weight, so that files diff well."""
    head = json.dumps(head_to_dict(sweep), allow_nan=False)[:-1]
    return f'{head}, "profile": {to_json(sweep.profile).rstrip()}}}\n'


def save(sweep: Sensitivity, path: str | os.PathLike[str]) -> None:
    """See `Sensitivity.save`."""
    write_whole(path, sweep_to_json(sweep))


def load(path: str | os.PathLike[str]) -> Sensitivity:
    """See `Sensitivity.load`."""
    return sweep_from_json(read_json(path, "sweep"), path)


def sweep_from_json(data: Any, path: str | os.PathLike[str]) -> Sensitivity:
    """A sweep from the JSON types of a file; error messages name it `path`."""
    if not isinstance(data, dict) or data.get("kind") != "sweep" or "profile" not in data:
        raise FormatError(f"{path}: not a sweep: expected an object of kind 'sweep'")
    if data.get("version") != VERSION:
        raise FormatError(
            f"{path}: sweep version {data.get('version')!r}, this library reads version {VERSION}: "
            "update meadow_py, or sweep the model again"
        )
    return Sensitivity(profile_from_json(data["profile"], path))
