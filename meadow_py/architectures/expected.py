"""From a configuration to the tensors that a checkpoint of it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from meadow_py.architectures.dimensions import Config, Dimensions, text_config
from meadow_py.architectures.family import Facts, Family, Row

Shapes = dict[str, tuple[int, ...]]


def expected_shapes(family: Family, config: Config, sizes: Dimensions, tied: bool) -> Shapes:
    """Shape of every stored tensor, in model order; see `Architecture.expected_shapes`."""
    facts = _facts(family, config, sizes)
    bare = is_bare_model(config)
    prefix = family.prefix.partition(".")[2] if bare else family.prefix
    head = () if bare else family.head
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
        if not (tied and row.role == "head"):
            shapes.update(_tensors(row, row.path, facts))
    return shapes


def is_bare_model(config: Config) -> bool:
    """Whether the checkpoint is of the model without a head (`BertModel`, `OPTModel`)."""
    classes = config.get("architectures")
    name = classes[0] if isinstance(classes, (list, tuple)) and classes else ""
    return isinstance(name, str) and name.endswith("Model") and not name.endswith("HeadModel")


def _facts(family: Family, config: Config, sizes: Dimensions) -> Facts:
    known = {size: value for size, value in asdict(sizes).items() if value is not None}
    missing = [s for s in ("layers", "hidden", "heads", "intermediate", "vocab") if s not in known]
    if missing:
        raise ValueError(
            f"the configuration of this {family.name} model does not tell its "
            f"{', '.join(missing)}; expected shapes follow from a complete config.json only"
        )
    known["queries"] = known["heads"] * known["head_dim"]
    known["keys"] = known["kv_heads"] * known["head_dim"]
    known["qkv"] = known["queries"] + 2 * known["keys"]
    return {**known, **family.facts(text_config(config), sizes)}


def _tensors(row: Row, path: str, facts: Facts) -> Iterator[tuple[str, tuple[int, ...]]]:
    if not row.shape or (row.when and not facts[row.when]):
        return
    module = ".".join(part.partition("|")[0] for part in path.split("."))
    shape = tuple(facts[symbol] for symbol in row.shape)
    yield f"{module}.weight", shape
    if facts[row.bias] if isinstance(row.bias, str) else row.bias:
        yield f"{module}.bias", (shape[1] if row.transposed else shape[0],)
