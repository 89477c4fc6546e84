"""A family's description of one model: the engine's configuration and the tensors it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meadow_py.architectures.dimensions import Dimensions
from meadow_py.architectures.running.config import RunningConfig

Names = Mapping[str, str]
"""From the path of a row of the family's table to the engine's name, ``#`` for the layer."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of a model, all of them known.

    Attributes
    ----------
    layers, hidden, heads, kv_heads, head_dim, intermediate, vocab, positions : int
        As in `Dimensions`.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    positions: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Running:
    """One model as the engine runs it.

    Attributes
    ----------
    config : RunningConfig
        The configuration of the engine.
    names : mapping of str to str
        The engine's names of norms, embeddings and all else that roles do not determine.
    norms : tuple of str
        Norms that have parameters, in the engine's names with ``#`` for the layer.
    biases : frozenset of str, or None
        Matrices with a bias, in the engine's names with ``#``; None for those that are stored.
    embedding_width : int
        Columns of the token embedding: `hidden`, unless a projection follows it.
    norm_offset : float
        Added to every norm's weight: 1 for files that store the weight minus 1 (Gemma).
    plain_final_norm : bool
        Whether the last norm has no parameters; a model without any names none and is not plain.
    paired_rows : bool
        Whether rows of q and k are in the order of GGUF's Llama, with value i of a head's first
        half beside value i of its second.
    divisors : str
        Name of a stored vector that divides the rotary frequencies; empty for none.
    tied : bool
        Whether the head is the embedding.
    """

    config: RunningConfig
    names: Names
    norms: tuple[str, ...]
    biases: frozenset[str] | None = frozenset()
    embedding_width: int
    norm_offset: float = 0.0
    plain_final_norm: bool = False
    paired_rows: bool = False
    divisors: str = ""
    tied: bool


def sizes_of(dimensions: Dimensions, family: str) -> Sizes:
    """All sizes; a ValueError names those that the configuration lacks."""
    names = Sizes.__dataclass_fields__
    known = {name: getattr(dimensions, name) for name in names}
    missing = [name for name, value in known.items() if value is None]
    if missing:
        raise ValueError(
            f"the configuration of this {family} model does not tell its {', '.join(missing)}"
        )
    return Sizes(**known)


def of_layers(*kinds: str) -> tuple[str, ...]:
    """The engine's names of what every layer has."""
    return tuple(f"layers.#.{kind}" for kind in kinds)


def with_bias(kinds: Iterable[str]) -> frozenset[str]:
    """The engine's names of matrices of every layer that have a bias."""
    return frozenset(of_layers(*kinds))
