"""The engine's configuration: the sizes of a model, and the variant of each step."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Norm = Literal["layer", "rms"]
Placement = Literal["pre", "post", "sandwich"]
Position = Literal["none", "learned", "rotary"]
Activations = Literal["F32", "BF16"]

ACTIVATIONS: tuple[Activations, ...] = ("F32", "BF16")


_MOST_POSITIONS = 2**31 - 1


def _no_frequencies() -> npt.NDArray[np.float32]:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class RunningConfig:
    """A decoder-only transformer, as the engine computes it.

    Attributes
    ----------
    layers, hidden, heads, kv_heads, head_dim, intermediate, vocab : int
        Blocks, width, query heads, key and value heads, width of a head, width of the MLP,
        entries of the vocabulary.
    positions : int
        Longest context in tokens.
    norm : {"layer", "rms"}
        Layer norm, which subtracts the mean, or RMS norm, which does not.
    norm_eps : float
        Added to the variance, or to the mean square.
    norm_placement : {"pre", "post", "sandwich"}
        ``pre``: before each half of a block; ``post``: after its residual sum; ``sandwich``: before
        each half, and after it but before the sum.
    activation : {"relu", "gelu", "gelu_tanh", "silu"}
        The activation function of the MLP.
    activations : {"F32", "BF16"}
        The dtype that activations are rounded to before products with float weights. F32 rounds
        nothing; with BF16, denormals count as zeros. A setting of the run, not of the model.
    gated : bool
        Whether the MLP is ``down(activation(gate(x)) * up(x))``, else ``down(activation(up(x)))``.
    position : {"none", "learned", "rotary"}
        The kind of position embedding.
    position_offset : int
        The number of rows before the first position in the table of learned positions.
    rotary_dim : int
        The number of values of a head that are rotated; the others are unchanged.
    rotary_interleaved : bool
        Whether neighbours are rotated together; otherwise the first half with the second.
    rotary_frequencies : array
        float32 ``[kinds, rotary_dim / 2]``: radians per position, scaling applied.
    rotary_scale : tuple of float
        ``[kinds]``: factor on cosine and sine.
    rotary_of_layer : tuple of int
        ``[layers]``: the kind that each layer uses.
    attention_scale : float
        Factor on query times key.
    windows : tuple of int
        ``[layers]``: the number of tokens that a token sees, including itself; 0 for all.
    attention_softcap, logit_softcap : float
        c of ``c * tanh(x / c)`` on the scores and on the logits; 0 for none.
    embedding_scale : float
        Factor on the token embedding.
    parallel : bool
        Whether attention and MLP of a block read the same residual.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    positions: int
    norm: Norm
    norm_eps: float
    norm_placement: Placement = "pre"
    activation: str
    gated: bool
    position: Position
    position_offset: int = 0
    rotary_dim: int = 0
    rotary_interleaved: bool = False
    rotary_frequencies: npt.NDArray[np.float32] = field(default_factory=_no_frequencies)
    rotary_scale: tuple[float, ...] = ()
    rotary_of_layer: tuple[int, ...] = ()
    attention_scale: float
    windows: tuple[int, ...]
    attention_softcap: float = 0.0
    logit_softcap: float = 0.0
    embedding_scale: float = 1.0
    parallel: bool = False
    activations: Activations = "F32"

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"configuration: {self.heads} heads do not share {self.kv_heads} KV heads evenly"
            )
        if self.rotary_dim % 2 or self.rotary_dim > self.head_dim:
            raise ValueError(
                f"configuration: {self.rotary_dim} of {self.head_dim} values of a head are "
                "rotated: expected an even number, and no more than there are"
            )

        if self.positions > _MOST_POSITIONS:
            raise ValueError(
                f"configuration: {self.positions} positions: expected no more than "
                f"{_MOST_POSITIONS}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The configuration as lists, numbers and one array, as ``_core.Engine`` takes it."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
