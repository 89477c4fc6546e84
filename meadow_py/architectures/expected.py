"""Derives the tensors of a checkpoint from its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from meadow_py.architectures.dimensions import Config, Dimensions, text_config
from meadow_py.architectures.family import Facts, Family, Row

Shapes = dict[str, tuple[int, ...]]

_LANGUAGE_MODELS = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForConditionalGeneration")
_NEEDED = ("layers", "hidden", "heads", "kv_heads", "head_dim", "intermediate", "vocab")


def expected_shapes(family: Family, config: Config, sizes: Dimensions, tied: bool) -> Shapes:
    """Shape of every stored tensor, in model order; see `Architecture.expected_shapes`."""
    facts = _facts(family, config, sizes)
    name = _class_name(config)
    bare = name.endswith("Model") and not name.endswith("LMHeadModel")
    prefix = family.prefix.partition(".")[2] if bare else family.prefix
    head = family.head if name.endswith(_LANGUAGE_MODELS) else ()
    shapes: Shapes = {}
    for row in family.before:
        shapes.update(_tensors(row, prefix + row.path, facts))
    for layer in range(facts["layers"]):
        for row in family.block:
            path = row.path.replace("#", str(layer), 1)
            shapes.update(_tensors(row, prefix + path, facts))
    for row in family.after:
        shapes.update(_tensors(row, prefix + row.path, facts))
    for row in head:
        tensors = dict(_tensors(row, row.path, facts))
        if tied and row.role == "head":
            tensors = {name: shape for name, shape in tensors.items() if len(shape) == 1}
        shapes.update(tensors)
    return shapes


def _class_name(config: Config) -> str:
    """The class that wrote the checkpoint; if unknown, the one with the family's own head."""
    classes = config.get("architectures")
    name = classes[0] if isinstance(classes, (list, tuple)) and classes else None
    return name if isinstance(name, str) else "ForCausalLM"


def _facts(family: Family, config: Config, sizes: Dimensions) -> Facts:
    known = {size: value for size, value in asdict(sizes).items() if value is not None}
    missing = [size for size in _NEEDED if size not in known]
    if missing:
        raise ValueError(
            f"the configuration of this {family.name} model does not tell its "
            f"{', '.join(missing)}; expected shapes follow from a complete config.json only"
        )
    known["queries"] = known["heads"] * known["head_dim"]
    known["keys"] = known["kv_heads"] * known["head_dim"]
    known["qkv"] = known["queries"] + 2 * known["keys"]
    known["gate_up"] = 2 * known["intermediate"]
    return {**known, **family.facts(text_config(config), sizes)}


def _tensors(row: Row, path: str, facts: Facts) -> Iterator[tuple[str, tuple[int, ...]]]:
    if not row.shape or (row.when and not facts[row.when]):
        return
    module = ".".join(part.partition("|")[0] for part in path.split("."))
    shape = tuple(facts[symbol] for symbol in row.shape)
    yield f"{module}.{row.leaf}", shape
    if facts[row.bias] if isinstance(row.bias, str) else row.bias:
        yield f"{module}.bias", (shape[1] if row.transposed else shape[0],)
