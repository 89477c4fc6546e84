"""Roles from obvious name parts, for models and tensors that no family lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meadow_py.architectures.weight import Role

# Names of modules that mean one thing in every model seen so far.
_ANYWHERE: dict[str, Role] = {
    "q_proj": "attention.q",
    "k_proj": "attention.k",
    "v_proj": "attention.v",
    "o_proj": "attention.o",
    "q_lin": "attention.q",
    "k_lin": "attention.k",
    "v_lin": "attention.v",
    "out_lin": "attention.o",
    "up_proj": "mlp.up",
    "gate_proj": "mlp.gate",
    "down_proj": "mlp.down",
    "dense_h_to_4h": "mlp.up",
    "dense_4h_to_h": "mlp.down",
    "attn_q": "attention.q",
    "attn_k": "attention.k",
    "attn_v": "attention.v",
    "attn_output": "attention.o",
    "lm_head": "head",
    "embed_out": "head",
}

# Names with this meaning only in a numbered block: elsewhere, fc1 may be any layer.
_IN_BLOCK: dict[str, Role] = {
    "fc1": "mlp.up",
    "fc2": "mlp.down",
    "c_fc": "mlp.up",
    "fc_in": "mlp.up",
    "fc_out": "mlp.down",
}

# Names with this meaning only inside an attention, or inside an MLP.
_IN_ATTENTION: dict[str, Role] = {
    "wq": "attention.q",
    "wk": "attention.k",
    "wv": "attention.v",
    "wo": "attention.o",
    "query": "attention.q",
    "key": "attention.k",
    "value": "attention.v",
    "to_q": "attention.q",
    "to_k": "attention.k",
    "to_v": "attention.v",
    "q": "attention.q",
    "k": "attention.k",
    "v": "attention.v",
    "o": "attention.o",
    "out_proj": "attention.o",
    "c_proj": "attention.o",
    "dense": "attention.o",
}
_IN_MLP: dict[str, Role] = {
    "c_proj": "mlp.down",
    "lin1": "mlp.up",
    "lin2": "mlp.down",
    "wi": "mlp.up",
    "wi_0": "mlp.gate",
    "wi_1": "mlp.up",
    "wo": "mlp.down",
}
_MLP_NAMES = frozenset(("mlp", "ffn", "feed_forward", "densereludense"))

# BERT-like encoders, ViT among them, call every matrix "dense".
_DENSE: dict[str, Role] = {"intermediate": "mlp.up", "output": "mlp.down"}

_TOKEN_EMBEDDINGS = frozenset(
    ("embed_tokens", "wte", "word_embeddings", "embed_in", "tok_embeddings", "token_embd")
)
_EMBEDDINGS = _TOKEN_EMBEDDINGS | {
    "wpe",
    "embed_positions",
    "position_embeddings",
    "position_embedding",
    "token_type_embeddings",
    "position_embd",
    "token_types",
}

_NORM = re.compile(r"(^|_)(layer_?norm|rms_?norm|group_?norm|batch_?norm|norm|ln)(_|\d|$)")
_BUFFERS = frozenset(("inv_freq", "original_inv_freq", "masked_bias", "position_ids"))


def role(path: Sequence[str]) -> Role:
    """Role of the module at `path`, or `other`."""
    module = path[-1]
    if _NORM.search(module.lower()):
        return "norm"
    if module in _EMBEDDINGS:
        return "embedding"
    return _ANYWHERE.get(module) or _by_surroundings(module, path[:-1])


def is_token_embedding(path: Sequence[str]) -> bool:
    """Whether the module is the embedding that a tied head shares."""
    return path[-1] in _TOKEN_EMBEDDINGS


def is_buffer(tensor: str, shape: Sequence[int]) -> bool:
    """Tell whether a stored tensor is a constant of the program and not a weight.

    Causal masks, for example, are `[1, 1, n, n]` and named `attn.bias` (GPT-2, GPT-Neo, GPT-NeoX).

    Parameters
    ----------
    tensor : str
        Name of the tensor in the file.
    shape : sequence of int
        Its stored shape.

    Returns
    -------
    bool
        True for masks, position ids and the like.
    """
    leaf = tensor.rpartition(".")[2]
    mask = leaf == "bias" and len(shape) == 4 and tuple(shape[:2]) == (1, 1)
    return leaf in _BUFFERS or (mask and shape[2] == shape[3])


def _by_surroundings(module: str, above: Sequence[str]) -> Role:
    around = [part.lower() for part in above]
    attention = any("attn" in part or "attention" in part for part in around)
    if attention:
        return _IN_ATTENTION.get(module, "other")
    if module == "dense" and around:
        return _DENSE.get(around[-1], "other")
    if module in _IN_MLP and not _MLP_NAMES.isdisjoint(around):
        return _IN_MLP[module]
    if module in _IN_BLOCK and any(part.isdigit() for part in above):
        return _IN_BLOCK[module]
    return "other"
