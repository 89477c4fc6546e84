"""Bytes of tensors added up by role."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from meadow_py.checkpoint.inspecting import PackedTensor


class RoleTotal(NamedTuple):
    """All tensors of a role that are coded alike.

    Attributes
    ----------
    role : str
        ``all`` for all tensors.
    dtypes, codecs : tuple of str
        Those that occur, by falling size of the tensors that they occur in.
    tensors : int
    bytes_original, bytes_packed : int
    floor : float
        Bytes.
    """

    role: str
    dtypes: tuple[str, ...]
    codecs: tuple[str, ...]
    tensors: int
    bytes_original: int
    bytes_packed: int
    floor: float


def by_role(tensors: Sequence[PackedTensor]) -> tuple[RoleTotal, ...]:
    """One total for each role in order of first appearance, then one for all."""
    roles: dict[str, list[PackedTensor]] = {}
    for tensor in tensors:
        roles.setdefault(tensor.role, []).append(tensor)
    return (*(_total(role, members) for role, members in roles.items()), _total("all", tensors))


def _total(role: str, tensors: Sequence[PackedTensor]) -> RoleTotal:
    return RoleTotal(
        role,
        _by_size((t.dtype, t.bytes_original) for t in tensors),
        _by_size((coding, t.bytes_original) for t in tensors for coding in t.codec.split("+")),
        len(tensors),
        sum(t.bytes_original for t in tensors),
        sum(t.bytes_packed for t in tensors),
        sum(t.floor for t in tensors),
    )


def _by_size(pairs: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    sizes: dict[str, int] = {}
    for name, size in pairs:
        sizes[name] = sizes.get(name, 0) + size
    return tuple(sorted(sizes, key=lambda name: -sizes[name]))
