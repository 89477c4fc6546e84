"""Values of a configuration, checked: a file may hold anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from meadow_py.architectures.dimensions import Config

# Spellings of transformers.activations.ACT2FN. The three with constants written out in decimals
# (gelu_fast, gelu_new, gelu_accurate) are the tanh approximation within a rounding error.
_ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
}


def number(config: Config, key: str, default: float, positive: bool = True) -> float:
    """A finite number; `default` where the key is left out or null.

    Raises
    ------
    ValueError
        If it is not a finite number, or not greater than zero where it must be.
    """
    value = config.get(key)
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or (positive and value <= 0):
        wanted = "a number greater than 0" if positive else "a number"
        raise ValueError(f"configuration: {key}={value!r}: expected {wanted}")
    return float(value)


def count(config: Config, key: str, default: int | None) -> int | None:
    """A whole number greater than zero, or None for null; `default` where it is left out."""
    value = config.get(key, default)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"configuration: {key}={value!r}: expected a whole number greater than 0")
    return value


def flag(config: Config, key: str, default: bool) -> bool:
    """A switch; `default` where the key is left out or null."""
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"configuration: {key}={value!r}: expected true or false")
    return value


def refuse(config: Config, key: str, family: str) -> None:
    """Raise ValueError if the switch is on, because the engine lacks that feature."""
    if flag(config, key, False):
        raise ValueError(f"{key}=true of this {family} model is not supported by the engine")


def activation(config: Config, key: str, default: str) -> str:
    """The engine's name of an activation function."""
    name = config.get(key)
    name = default if name is None else name
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise ValueError(
            f"activation {key}={name!r} is not supported by the engine: expected one of {known}"
        )
    return _ACTIVATIONS[name]


def section(config: Config, key: str) -> Mapping[str, Any]:
    """A nested object of the configuration; empty if it is left out or null."""
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"configuration: {key}={value!r}: expected an object")
    return value


def layer_windows(config: Config, layers: int, window: int | None, default: list[str]) -> list[int]:
    """Sliding window of each layer from ``layer_types``; 0 stands for the whole context.

    `default` holds the types for a configuration without ``layer_types``.
    """
    types = config.get("layer_types")
    types = default if types is None else types
    if not isinstance(types, list | tuple) or len(types) != layers:
        raise ValueError(f"configuration: layer_types={types!r}: expected {layers} types of layers")
    return [_window(kind, window) for kind in types]


def refuse_layer_types(config: Config, kind: str, family: str) -> None:
    """Raise ValueError if ``layer_types`` names another attention than all layers have."""
    types = config.get("layer_types")
    if types is None:
        return
    if not isinstance(types, list | tuple) or any(t != f"{kind}_attention" for t in types):
        raise ValueError(
            f"configuration: layer_types={types!r}: expected {kind}_attention in every layer of "
            f"this {family} model"
        )


def _window(kind: object, window: int | None) -> int:
    if kind == "full_attention":
        return 0
    if kind != "sliding_attention":
        raise ValueError(f"layer type {kind!r} is not supported by the engine")
    if window is None:
        raise ValueError("configuration: layers of sliding attention, but no sliding_window")
    return window
