"""Finds the family of a model from its configuration, or else from its tensor names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meadow_py.architectures.architecture import Architecture
from meadow_py.architectures.dimensions import (
    GGUF_ARCHITECTURE,
    Config,
    read_dimensions,
    text_config,
)
from meadow_py.architectures.fallback import is_token_embedding
from meadow_py.architectures.families import FAMILIES, UNKNOWN, gguf_naming, is_gguf
from meadow_py.architectures.family import Family, Shapes
from meadow_py.architectures.naming import endings, place_of, split_leaf

_CLASS_STEM = re.compile(r"(.+?)(?:For[A-Z].*|LMHead.*|DoubleHeads.*|Text|Model)")


def resolve(config: Config | None, shapes: Shapes) -> Architecture:
    """Find the architecture of a model.

    The family is the one that the configuration states (`model_type`, `architectures`, GGUF's
    `general.architecture`), else the one that matches the tensor names, else ``unknown``. Unknown
    models work, too: their matrices are weights, with roles guessed from obvious name parts only.
    If the configuration states a family that is not known here, a family inferred from names
    determines roles, but fused tensors are not split on that evidence.

    Parameters
    ----------
    config : mapping or None
        Content of `config.json`, or the metadata of a GGUF file.
    shapes : mapping of str to tuple of int
        Shape of every stored tensor; may be empty.

    Returns
    -------
    Architecture
        The family, its sizes, and whether the head is tied.
    """
    names = list(_stated_names(config)) if config is not None else []
    found = endings(shapes)
    stated = _family_stated(names, shapes)
    family = stated or _family_by_names(found, shapes) or UNKNOWN
    dimensions = (
        None if config is None else read_dimensions(config, family.defaults, family.mlp_factor)
    )
    as_gguf = is_gguf(found) or (config is not None and GGUF_ARCHITECTURE in config)
    table = gguf_naming(family) if as_gguf else family
    return Architecture(
        family=family.name,
        dimensions=dimensions,
        tied=_is_tied(table, config, shapes),
        inferred=stated is None,
        table=table,
        config=config,
        split_fused=stated is not None or as_gguf or not names,
    )


def _stated_names(config: Config) -> Iterator[str]:
    inner = config.get("text_config")
    for source in (config, inner if isinstance(inner, Mapping) else {}):
        for key in (GGUF_ARCHITECTURE, "model_type"):
            if isinstance(source.get(key), str) and source[key]:
                yield source[key]
    classes = config.get("architectures")
    for name in classes if isinstance(classes, (list, tuple)) else ():
        stem = _CLASS_STEM.match(name) if isinstance(name, str) else None
        if stem:
            yield stem[1]


def _family_stated(names: list[str], shapes: Shapes) -> Family | None:
    for name in map(_plain, names):
        for family in FAMILIES:
            if name in map(_plain, family.model_types) and family.fits(shapes):
                return family
    return None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _family_by_names(found: set[str], shapes: Shapes) -> Family | None:
    for family in FAMILIES:
        told = bool(family.signature) and found.issuperset(family.signature)
        if told and found.isdisjoint(family.absent) and family.fits(shapes):
            return family
    return None


def _is_tied(table: Family, config: Config | None, shapes: Shapes) -> bool:
    """As configured, else the default of the family's configuration class, else as stored."""
    config = config or {}
    for source in (config, text_config(config)):
        if isinstance(source.get("tie_word_embeddings"), bool):
            return bool(source["tie_word_embeddings"])
    if config and GGUF_ARCHITECTURE not in config and table.tied:
        return True
    has_head = any(place_of(table, tensor).role == "head" for tensor in shapes)
    return not has_head and any(is_token_embedding(split_leaf(t)[0]) for t in shapes)
