"""The sizes of a transformer, which determine its operations and bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_POSITIVE = ("layers", "hidden", "heads", "kv_heads", "head_dim", "intermediate")


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The sizes of a transformer, which determine its operations and bytes.

    Attributes
    ----------
    name : str
        Name of the model.
    family : str
        As in `architectures`, or ``"vit"``.
    layers, hidden, heads, kv_heads, head_dim, intermediate, vocab : int
        Number of blocks, width, number of query heads, number of key and value heads, width of a
        head, width of the MLP, and entries of the vocabulary (for an image classifier, classes).
    gated : bool
        Whether the MLP is ``down(activation(gate(x)) * up(x))`` rather than
        ``down(activation(up(x)))``.
    tied : bool
        Whether the head is the token embedding.
    encoder : bool
        Whether all tokens are seen at once: no causal mask, no KV cache, no decoding.
    embedding_width : int
        Columns of the token embedding and of the head; 0 means `hidden`. If they differ from
        `hidden` (OPT-350M), the blocks have a projection before and after them.
    positions : int or None
        Longest context in tokens; None if the configuration does not give it.
    fixed_tokens : int or None
        Number of tokens that an encoder of images sees: 197 for DeiT at 224x224. None for other
        models.
    patch_values : int
        Inputs of the patch embedding of an encoder of images; 0 for language models.
    windows : tuple of int
        For each layer, the number of tokens that a token sees, counting itself; 0 means all. An
        empty tuple means that no layer has a window.
    source : str
        Where the sizes come from.
    """

    name: str
    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    gated: bool
    tied: bool
    encoder: bool = False
    embedding_width: int = 0
    positions: int | None = None
    fixed_tokens: int | None = None
    patch_values: int = 0
    windows: tuple[int, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(
                    f"{self.name}: {name}: expected a positive whole number, found {value!r}"
                )
        if self.vocab < 0 or self.embedding_width < 0:
            raise ValueError(
                f"{self.name}: vocab and embedding_width: expected 0 or more, found {self.vocab} "
                f"and {self.embedding_width}"
            )
        if self.heads % self.kv_heads:
            raise ValueError(
                f"{self.name}: kv_heads: {self.heads} query heads do not share {self.kv_heads} "
                "key and value heads evenly"
            )
        if self.windows and len(self.windows) != self.layers:
            raise ValueError(
                f"{self.name}: windows: expected one for each of {self.layers} layers, found "
                f"{len(self.windows)}"
            )

    @property
    def query_width(self) -> int:
        """Values in all query heads of one token."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Values in all key heads of one token; the value heads have the same number."""
        return self.kv_heads * self.head_dim

    @property
    def linear_weights_per_layer(self) -> int:
        """Number of weights in the matrices of one block; biases and norms are not counted."""
        attention = self.hidden * (2 * self.query_width + 2 * self.kv_width)
        return attention + (3 if self.gated else 2) * self.hidden * self.intermediate

    @property
    def decoder_weights(self) -> int:
        """Number of weights in the matrices of all blocks."""
        return self.layers * self.linear_weights_per_layer

    @property
    def embedding_weights(self) -> int:
        """Number of weights in the token embedding; 0 for an encoder of images."""
        return 0 if self.patch_values else self.vocab * (self.embedding_width or self.hidden)

    @property
    def head_weights(self) -> int:
        """Number of weights that the head reads for one product, tied or not."""
        return self.vocab * (self.embedding_width or self.hidden)

    def to_dict(self) -> dict[str, Any]:
        """Convert the sizes to JSON types.

        Returns
        -------
        dict
        """
        return {**asdict(self), "windows": list(self.windows)}
