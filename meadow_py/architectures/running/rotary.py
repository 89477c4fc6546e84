"""Frequencies of rotary position embeddings, scaled as configured.

All formulas come from `modeling_rope_utils.py` of transformers 5, for which the checkpoints are
written. YaRN follows Peng et al. 2023 (arXiv 2309.00071), LongRoPE follows Ding et al. 2024
(arXiv 2402.13753).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.options import number, section

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rotary:
    """One kind of rotary embedding.

    Attributes
    ----------
    frequencies : array
        float32 ``[dim / 2]``, radians per position.
    scale : float
        Factor on cosine and sine.
    positions : int
        Longest context for which the frequencies hold.
    """

    frequencies: F32
    scale: float
    positions: int


def rope_parameters(
    config: Config, positions: int, theta_key: str = "rope_theta"
) -> dict[str, Any]:
    """The settings in the spelling of transformers 5, from its own or that of transformers 4.

    Parameters
    ----------
    config : mapping
        With ``rope_parameters`` (5), or ``rope_scaling`` and `theta_key` (4).
    positions : int
        Longest context in tokens.
    """
    found = dict(section(config, "rope_scaling") or section(config, "rope_parameters"))
    if any(isinstance(value, Mapping) for value in found.values()):
        raise ValueError("rotary embeddings of their own for each type of layer are not supported")
    return complete(found, config, positions, number(config, theta_key, 10000.0))


def complete(
    found: Mapping[str, Any], config: Config, positions: int, theta: float
) -> dict[str, Any]:
    """One set of settings with its kind, its base and the context of its training filled in."""
    made = dict(found)
    made["rope_type"] = found.get("rope_type") or found.get("type") or "default"
    made["rope_theta"] = number(found, "rope_theta", theta)
    made["positions"] = positions
    trained = config.get("original_max_position_embeddings")
    trained = found.get("original_max_position_embeddings") if trained is None else trained
    made["original_max_position_embeddings"] = made["positions"] if trained is None else trained
    return made


def rotary(parameters: Mapping[str, Any], dim: int) -> Rotary:
    """Frequencies of `dim` rotated values.

    Parameters
    ----------
    parameters : mapping
        As `rope_parameters` makes them.
    dim : int
        How many values of a head are rotated.

    Raises
    ------
    ValueError
        If the kind is unknown here, or settings are out of range.
    """
    kind = parameters["rope_type"]
    made = _KINDS.get(kind) if isinstance(kind, str) else None
    if made is None:
        raise ValueError(
            f"rotary scaling {kind!r} is not supported: expected one of {', '.join(_KINDS)}"
        )
    if dim < 2 or dim % 2:
        raise ValueError(f"configuration: {dim} rotated values of a head: expected an even number")
    found = made(parameters, dim)
    if not np.isfinite(found.frequencies).all():
        raise ValueError(f"configuration: rotary settings without finite frequencies: {parameters}")
    return found


def _powers(base: float, dim: int) -> F32:
    """``base ** (2 i / dim)``: exponents in float32 as in torch, the power rounded once."""
    exponents = np.arange(0, dim, 2, dtype=np.float32) / np.float32(dim)
    powers: F32 = (np.float64(base) ** exponents.astype(np.float64)).astype(np.float32)
    return powers


def _default(parameters: Mapping[str, Any], dim: int) -> Rotary:
    frequencies = np.float32(1) / _powers(parameters["rope_theta"], dim)
    return Rotary(frequencies, 1.0, parameters["positions"])


def _linear(parameters: Mapping[str, Any], dim: int) -> Rotary:
    frequencies = _default(parameters, dim).frequencies / np.float32(_factor(parameters))
    return Rotary(frequencies, 1.0, parameters["positions"])


def _llama3(parameters: Mapping[str, Any], dim: int) -> Rotary:
    """Long waves slowed by `factor`, short ones kept, a smooth change between (Llama 3.1)."""
    plain = _default(parameters, dim).frequencies
    factor = np.float32(_factor(parameters))
    low, high = (_required(parameters, key) for key in ("low_freq_factor", "high_freq_factor"))
    if high <= low:
        raise ValueError(f"configuration: high_freq_factor={high} is not above {low}, the low one")
    trained = _required(parameters, "original_max_position_embeddings")
    waves = np.float32(2 * math.pi) / plain
    slowed = np.where(waves > trained / low, plain / factor, plain)
    smooth = (np.float32(trained) / waves - np.float32(low)) / np.float32(high - low)
    between = (np.float32(1) - smooth) * slowed / factor + smooth * slowed
    is_between = ~(waves < trained / high) & ~(waves > trained / low)
    return Rotary(np.where(is_between, between, slowed), 1.0, parameters["positions"])


def _yarn(parameters: Mapping[str, Any], dim: int) -> Rotary:
    base, factor = parameters["rope_theta"], parameters.get("factor")
    trained = _trained(parameters)
    if base <= 1:
        raise ValueError(f"configuration: rope_theta={base}: expected a number above 1 for YaRN")
    scaled = parameters["positions"] / trained if factor is None else _factor(parameters)
    if scaled * trained >= 2**63:
        raise ValueError(f"configuration: YaRN scales {trained} positions by {scaled}: too many")
    waves = _powers(base, dim)
    extrapolated = np.float32(1) / waves
    interpolated = np.float32(1) / (np.float32(scaled) * waves)
    low, high = (
        dim * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))
        for turns in (number(parameters, "beta_fast", 32.0), number(parameters, "beta_slow", 1.0))
    )
    if parameters.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    high += 0.001 if low == high else 0.0
    ramp = (np.arange(dim // 2, dtype=np.float32) - np.float32(low)) / np.float32(high - low)
    kept = np.float32(1) - np.clip(ramp, 0, 1).astype(np.float32)
    frequencies = interpolated * (np.float32(1) - kept) + extrapolated * kept
    positions = max(parameters["positions"], int(scaled * trained))
    return Rotary(frequencies, _yarn_scale(parameters, scaled), positions)


def _yarn_scale(parameters: Mapping[str, Any], factor: float) -> float:
    if parameters.get("attention_factor") is not None:
        return number(parameters, "attention_factor", 1.0)
    numerator = number(parameters, "mscale", 0.0, positive=False)
    denominator = number(parameters, "mscale_all_dim", 0.0, positive=False)
    if numerator and denominator:
        return _magnitude(factor, numerator) / _magnitude(factor, denominator)
    return _magnitude(factor, 1.0)


def _magnitude(factor: float, scale: float) -> float:
    return 1.0 if factor <= 1 else 0.1 * scale * math.log(factor) + 1.0


def _longrope(parameters: Mapping[str, Any], dim: int) -> Rotary:
    """The short factors, which are valid up to the context length of the training.

    Beyond it, the frequencies of *all* positions change, including those in the cache.
    """
    trained = _trained(parameters)
    short = parameters.get("short_factor")
    if not isinstance(short, list | tuple) or len(short) != dim // 2:
        raise ValueError(f"configuration: short_factor={short!r}: expected {dim // 2} numbers")
    divisors = np.array([number({"short_factor": f}, "short_factor", 1.0) for f in short])
    frequencies = np.float32(1) / (
        divisors.astype(np.float32) * _powers(parameters["rope_theta"], dim)
    )
    positions = min(parameters["positions"], int(trained))
    return Rotary(frequencies, longrope_scale(parameters, trained), positions)


def longrope_scale(parameters: Mapping[str, Any], trained: float) -> float:
    """The factor on cosine and sine, as given or derived from the extension of the context."""
    if parameters.get("attention_factor") is not None:
        return number(parameters, "attention_factor", 1.0)
    factor = number(parameters, "factor", parameters["positions"] / trained)
    return 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(trained))


def _factor(parameters: Mapping[str, Any]) -> float:
    return _required(parameters, "factor")


def _trained(parameters: Mapping[str, Any]) -> float:
    trained = _required(parameters, "original_max_position_embeddings")
    if trained <= 1:
        raise ValueError(
            f"configuration: original_max_position_embeddings={trained}: expected more than 1"
        )
    return trained


def _required(parameters: Mapping[str, Any], key: str) -> float:
    if parameters.get(key) is None:
        raise ValueError(f"configuration: rotary scaling {parameters['rope_type']!r} needs {key}")
    return number(parameters, key, 0.0)


# Up to the configured length, "dynamic" equals the default. Beyond it, every frequency changes with
# every token, which the engine refuses.
_KINDS: dict[str, Callable[[Mapping[str, Any], int], Rotary]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _default,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
}
