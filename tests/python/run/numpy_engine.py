"""The forward pass in numpy, float64 between the products: what a description means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.run.assembly import Assembled

Array = npt.NDArray[np.float64]


def logits(made: Assembled, tokens: list[int]) -> Array:
    """``[tokens, vocab]``, the whole sequence at once and no cache."""
    return _Model(made).logits(tokens)


class _Model:
    def __init__(self, made: Assembled) -> None:
        self.c = made.config
        self.matrices, self.vectors = made.matrices, made.vectors

    def logits(self, tokens: list[int]) -> Array:
        x = self._embedded(tokens)
        for layer in range(self.c.layers):
            x = self._block(f"layers.{layer}", layer, x)
        x = self._final(x)
        if "project_out" in self.matrices:
            x = self._product("project_out", x)
        scores = self._product("head", x)
        return _capped(scores, self.c.logit_softcap)

    def _embedded(self, tokens: list[int]) -> Array:
        embedding = self.matrices["embedding"]
        x = np.stack([embedding.row(token) for token in tokens]).astype(float)
        x *= self.c.embedding_scale
        if "project_in" in self.matrices:
            x = self._product("project_in", x)
        if self.c.position == "learned":
            table, first = self.matrices["positions"], self.c.position_offset
            x = x + np.stack([table.row(first + at) for at in range(len(tokens))])
        return x

    def _block(self, name: str, layer: int, x: Array) -> Array:
        before = self.c.norm_placement != "post"
        read = self._norm(f"{name}.attention_norm", x) if before else x
        attended = self._attention(name, layer, read)
        if self.c.parallel:
            return x + attended + self._mlp(name, self._norm(f"{name}.mlp_norm", x))
        x = x + self._after(f"{name}.attention_post_norm", attended)
        if not before:
            x = self._norm(f"{name}.attention_norm", x)
        read = self._norm(f"{name}.mlp_norm", x) if before else x
        x = x + self._after(f"{name}.mlp_post_norm", self._mlp(name, read))
        return x if before else self._norm(f"{name}.mlp_norm", x)

    def _after(self, name: str, x: Array) -> Array:
        return self._norm(name, x) if self.c.norm_placement == "sandwich" else x

    def _attention(self, name: str, layer: int, x: Array) -> Array:
        q = self._heads(name, "q", self.c.heads, layer, x)
        k = self._heads(name, "k", self.c.kv_heads, layer, x)
        v = self._product(f"{name}.v", x).reshape(len(x), self.c.kv_heads, -1)
        sharing = self.c.heads // self.c.kv_heads
        k, v = np.repeat(k, sharing, axis=1), np.repeat(v, sharing, axis=1)
        scores = np.einsum("ihd,jhd->hij", q, k) * self.c.attention_scale
        scores = _capped(scores, self.c.attention_softcap)
        scores = np.where(self._seen(layer, len(x)), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return self._product(f"{name}.o", np.einsum("hij,jhd->ihd", weights, v).reshape(len(x), -1))

    def _heads(self, name: str, kind: str, heads: int, layer: int, x: Array) -> Array:
        made = self._product(f"{name}.{kind}", x).reshape(len(x), heads, self.c.head_dim)
        if f"{name}.{kind}_norm.weight" in self.vectors:
            made = self._norm(f"{name}.{kind}_norm", made)
        return self._rotated(layer, made) if self.c.position == "rotary" else made

    def _rotated(self, layer: int, heads: Array) -> Array:
        kind, half = self.c.rotary_of_layer[layer], self.c.rotary_dim // 2
        angles = np.outer(np.arange(len(heads)), self.c.rotary_frequencies[kind].astype(float))
        scale = self.c.rotary_scale[kind]
        cosine, sine = np.cos(angles)[:, None] * scale, np.sin(angles)[:, None] * scale
        first, second, rest = np.split(heads, [half, 2 * half], axis=-1)
        turned = (first * cosine - second * sine, second * cosine + first * sine)
        return np.concatenate((*turned, rest), axis=-1)

    def _seen(self, layer: int, tokens: int) -> npt.NDArray[np.bool_]:
        back = np.arange(tokens)[:, None] - np.arange(tokens)[None]
        window = self.c.windows[layer] or tokens
        return (back >= 0) & (back < window)

    def _mlp(self, name: str, x: Array) -> Array:
        up = self._product(f"{name}.up", x)
        activation = _ACTIVATIONS[self.c.activation]
        if not self.c.gated:
            return self._product(f"{name}.down", activation(up))
        return self._product(f"{name}.down", activation(self._product(f"{name}.gate", x)) * up)

    def _final(self, x: Array) -> Array:
        return self._norm("final_norm", x) if "final_norm.weight" in self.vectors else x

    def _norm(self, name: str, x: Array) -> Array:
        if self.c.norm == "layer":
            x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.c.norm_eps)
        weight, bias = self.vectors.get(f"{name}.weight"), self.vectors.get(f"{name}.bias")
        x = x if weight is None else x * weight
        return x if bias is None else x + bias

    def _product(self, name: str, x: Array) -> Array:
        made = self.matrices[name].multiply(np.ascontiguousarray(x, np.float32)).astype(float)
        bias = self.vectors.get(f"{name}.bias")
        return made if bias is None else made + bias


def _capped(scores: Array, cap: float) -> Array:
    return cap * np.tanh(scores / cap) if cap else scores


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


_ACTIVATIONS: Mapping[str, Any] = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": _gelu,
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
}
