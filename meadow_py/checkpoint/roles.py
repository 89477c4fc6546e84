"""The role of every tensor in packed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meadow_py.architectures import resolve
from meadow_py.checkpoint.metadata import gguf_metadata
from meadow_py.checkpoint.reading import PackedFile

if TYPE_CHECKING:
    from meadow_py.architectures import Architecture


def roles_of(files: Sequence[PackedFile], config: Mapping[str, Any] | None) -> dict[str, str]:
    """Tensor name -> role; of fused tensors the part that all roles share, as ``attention``."""
    shapes = {name: shape for packed in files for name, shape in _shapes(packed).items()}
    gguf = next((packed for packed in files if packed.table.format == "gguf"), None)
    if gguf is not None:
        config = gguf_metadata(gguf)
    architecture = resolve(config, shapes)
    found: dict[str, set[str]] = {}
    for spec in architecture.weights(shapes):
        found.setdefault(spec.tensor, set()).add(spec.role)
    return {name: _role(architecture, name, found.get(name, set())) for name in shapes}


def _role(architecture: Architecture, name: str, roles: set[str]) -> str:
    if len(roles) == 1:
        return next(iter(roles))
    kinds = {role.partition(".")[0] for role in roles}
    return next(iter(kinds)) if len(kinds) == 1 else architecture.role_of(name)


def _shapes(packed: PackedFile) -> dict[str, tuple[int, ...]]:
    table = packed.table
    if table.views is not None:
        return {view.name: view.shape for view in table.views}
    return {e.region.name: e.region.shape for e in table.regions if e.region.is_tensor}
