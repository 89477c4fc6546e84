"""Describes a model for the engine, from its architecture."""

from __future__ import annotations

from dataclasses import replace

from meadow_py.architectures.architecture import Architecture
from meadow_py.architectures.dimensions import (
    GGUF_ARCHITECTURE,
    Config,
    text_config,
    unreadable_size,
)
from meadow_py.architectures.fallback import is_token_embedding
from meadow_py.architectures.family import Shapes
from meadow_py.architectures.naming import split_leaf
from meadow_py.architectures.running.families import DESCRIBE, WINDOWS
from meadow_py.architectures.running.families.gguf import from_gguf
from meadow_py.architectures.running.families.keys import KEYS
from meadow_py.architectures.running.options import refuse
from meadow_py.architectures.running.running import Running, Sizes, sizes_of
from meadow_py.errors import FormatError


def describe(architecture: Architecture, shapes: Shapes) -> Running:
    """Describe a model for the engine.

    Parameters
    ----------
    architecture : Architecture
        The architecture of the model, made by `resolve`.
    shapes : mapping of str to tuple of int
        Shape of every stored tensor.

    Raises
    ------
    ValueError
        If the engine does not support such models, or the configuration lacks what it needs.
    FormatError
        If no reading of the configuration fits the shapes.
    """
    config = _checked(architecture)
    family = DESCRIBE[architecture.family]
    if architecture.dimensions is None:
        raise ValueError("a model runs by its configuration, and there is none")
    if unreadable := unreadable_size(config):
        raise ValueError(unreadable)
    if GGUF_ARCHITECTURE not in config:
        sizes = sizes_of(architecture.dimensions, architecture.family)
        _check_possible(sizes, shapes)
        inner, keys = text_config(config), KEYS[architecture.family]
        for key in keys.refused:
            refuse(inner, key, keys.title)
        return family(inner, sizes, architecture.tied)
    rows = next(
        (shape[0] for name, shape in shapes.items() if is_token_embedding(split_leaf(name)[0])),
        architecture.dimensions.vocab,
    )
    sizes = sizes_of(replace(architecture.dimensions, vocab=rows), architecture.family)
    _check_possible(sizes, shapes)
    return from_gguf(family, config, sizes, shapes, architecture.tied)


def windows_of(architecture: Architecture) -> tuple[int, ...]:
    """Read the sliding window of each layer from a `config.json`, also of a quantised model.

    Returns
    -------
    tuple of int
        Tokens that a token of each layer sees, including itself; 0 for all of them. Empty for a
        family without windows or not known here, and for the metadata of a GGUF file.

    Raises
    ------
    ValueError
        If the configuration contradicts itself, with the message of `describe`.
    """
    config, sizes = architecture.config, architecture.dimensions
    if architecture.inferred or config is None or sizes is None or sizes.layers is None:
        return ()
    if architecture.family not in WINDOWS or GGUF_ARCHITECTURE in config:
        return ()
    return tuple(WINDOWS[architecture.family](text_config(config), sizes.layers))


def _check_possible(sizes: Sizes, shapes: Shapes) -> None:
    """Refuse sizes that the tensors rule out, before a damaged configuration makes long lists."""
    if shapes and sizes.layers > len(shapes):
        raise FormatError(
            f"the configuration tells of {sizes.layers} layers, the checkpoint has {len(shapes)} "
            "tensors"
        )
    widest = max((size for shape in shapes.values() for size in shape), default=sizes.head_dim)
    if sizes.head_dim > widest:
        raise FormatError(
            f"the configuration tells of heads with {sizes.head_dim} values, no tensor of the "
            f"checkpoint is wider than {widest}"
        )


def _checked(architecture: Architecture) -> Config:
    config = architecture.config
    if config is None:
        raise ValueError(
            "a model runs by its configuration, and there is none: expected a config.json beside "
            "the weights"
        )
    if architecture.inferred or architecture.family not in DESCRIBE:
        stated = config.get("model_type") or config.get(GGUF_ARCHITECTURE) or architecture.family
        if stated in DESCRIBE:
            raise FormatError(
                f"a model of type {stated!r} by its configuration, but fused weights of its layers "
                "have the shape neither of torch's Linear nor of Conv1D"
            )
        raise ValueError(
            f"models of type {stated!r} are not supported by the engine: expected one of "
            f"{', '.join(DESCRIBE)}"
        )
    quantized = config.get("quantization_config")
    if quantized:
        method = quantized.get("quant_method") if isinstance(quantized, dict) else quantized
        raise ValueError(f"weights quantised with {method!r} are not supported by the engine")
    return config
