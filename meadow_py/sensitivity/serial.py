"""A sweep as JSON and back. Only its profile is read: the rest follows from it."""

from __future__ import annotations

import json
import os

from meadow_py.errors import FormatError
from meadow_py.files import write_whole
from meadow_py.profiler.serial import profile_from_json, read_json, to_json
from meadow_py.sensitivity.result import VERSION, Sensitivity


def sweep_to_json(sweep: Sensitivity) -> str:
    """Strict JSON (no NaN, no Infinity), one line per weight, so that files diff well."""
    data = sweep.to_dict()
    del data["profile"]
    head = json.dumps(data, allow_nan=False)[:-1]
    return f'{head}, "profile": {to_json(sweep.profile).rstrip()}}}\n'


def save(sweep: Sensitivity, path: str | os.PathLike[str]) -> None:
    """See `Sensitivity.save`."""
    write_whole(path, sweep_to_json(sweep))


def load(path: str | os.PathLike[str]) -> Sensitivity:
    """See `Sensitivity.load`."""
    data = read_json(path, "sweep")
    if not isinstance(data, dict) or data.get("kind") != "sweep" or "profile" not in data:
        raise FormatError(f"{path}: not a sweep: expected an object of kind 'sweep'")
    if data.get("version") != VERSION:
        raise FormatError(
            f"{path}: sweep version {data.get('version')!r}, this library reads version {VERSION}: "
            "update meadow_py, or sweep the model again"
        )
    return Sensitivity(profile_from_json(data["profile"], path))
