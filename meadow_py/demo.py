"""A small model to try things on, until a trained one comes with the package.

The names, shapes and configuration are those of OPT; the weights are synthetic: Student-t with 4
degrees of freedom, whose heavy tails are those that MEADOW's figures imply for OPT-125M.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from meadow_py.sources import Checkpoint

NAME = "demo: tiny OPT with synthetic weights (Student-t, not trained)"

CONFIG: dict[str, Any] = {
    "model_type": "opt",
    "architectures": ["OPTForCausalLM"],
    "activation_function": "relu",
    "do_layer_norm_before": True,
    "ffn_dim": 512,
    "hidden_size": 128,
    "max_position_embeddings": 256,
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "tie_word_embeddings": True,
    "vocab_size": 2048,
    "word_embed_proj_dim": 128,
}

_SEED = 20250311
_DEGREES_OF_FREEDOM = 4
_POSITION_OFFSET = 2  # OPT's first two position embeddings are never used
_SCALE = 0.02


def checkpoint() -> Checkpoint:
    """The demo model, made on the spot; the same bits every time."""
    from meadow_py.sources import Checkpoint
    from meadow_py.sources.arrays import open_arrays

    made = open_arrays(arrays(), NAME)
    return Checkpoint(NAME, made.format, made.tensors.values(), CONFIG)


def arrays() -> dict[str, npt.NDArray[np.float32]]:
    """Its tensors by Hugging Face name."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    made: dict[str, npt.NDArray[np.float32]] = {}
    for name, shape in _shapes().items():
        if len(shape) == 2:
            drawn = random.standard_t(_DEGREES_OF_FREEDOM, shape) * _SCALE
            made[name] = drawn.astype(np.float32)
        else:
            fill = np.ones if name.endswith("layer_norm.weight") else np.zeros
            made[name] = fill(shape, np.float32)
    return made


def _shapes() -> dict[str, tuple[int, ...]]:
    width, inner = CONFIG["hidden_size"], CONFIG["ffn_dim"]
    positions = CONFIG["max_position_embeddings"] + _POSITION_OFFSET
    shapes: dict[str, tuple[int, ...]] = {
        "model.decoder.embed_tokens.weight": (CONFIG["vocab_size"], width),
        "model.decoder.embed_positions.weight": (positions, width),
        **_linear("model.decoder.final_layer_norm", width),
    }
    for layer in range(CONFIG["num_hidden_layers"]):
        prefix = f"model.decoder.layers.{layer}"
        for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
            shapes |= _linear(f"{prefix}.self_attn.{part}", width, width)
        shapes |= _linear(f"{prefix}.self_attn_layer_norm", width)
        shapes |= _linear(f"{prefix}.fc1", inner, width)
        shapes |= _linear(f"{prefix}.fc2", width, inner)
        shapes |= _linear(f"{prefix}.final_layer_norm", width)
    return shapes


def _linear(name: str, out: int, *inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, *inputs), f"{name}.bias": (out,)}
