"""Shapes of well-known models, as data: one file each in `models`."""

from __future__ import annotations

import functools
import json
from importlib.resources import files

from meadow_py.workload.model_shape import ModelShape


@functools.cache
def names() -> tuple[str, ...]:
    """Names of the bundled shapes.

    Returns
    -------
    tuple of str
    """
    folder = files("meadow_py.workload").joinpath("models")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def is_bundled(name: str) -> bool:
    """Whether a shape of this name is bundled; case does not matter."""
    return name.lower() in names()


@functools.cache
def bundled(name: str) -> ModelShape:
    """The bundled shape of this name.

    Returns
    -------
    ModelShape

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    if not is_bundled(name):
        raise ValueError(f"model: expected one of {', '.join(names())}, found {name!r}")
    file = files("meadow_py.workload").joinpath("models").joinpath(f"{name.lower()}.json")
    return ModelShape(**json.loads(file.read_text("utf-8")))
