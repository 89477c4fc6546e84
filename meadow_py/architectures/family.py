"""The types that describe a model family: rows of names, roles and sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from meadow_py.architectures.dimensions import Config, Dimensions
from meadow_py.architectures.fused import Split
from meadow_py.architectures.weight import Role

Facts = Mapping[str, int]
"""Sizes by symbol, and conditions by name (0 or 1)."""

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every stored tensor."""


@dataclass(frozen=True)
class Row:
    """One module of a family.

    Attributes
    ----------
    path : str
        Module path without its prefix and without ``.weight``. ``#`` stands for a number, ``a|b``
        for two spellings, the first of which is canonical.
    role : Role
        Role of its weight. A fused module is ``other``; its parts have roles of their own.
    shape : tuple of str
        Stored shape, in symbols of the family's facts; empty if unknown.
    bias : bool or str
        Whether there is a bias, or the name of the fact that decides it.
    when : str
        Name of the fact that decides whether the module exists; empty if it always does.
    leaf : str
        The parameter that `shape` describes.
    transposed : bool
        Whether it is stored as ``[in, out]``.
    stacked : bool
        Whether the tensor is expected to stack several matrices of this role (experts) and so to
        have more than two dimensions.
    split : Split or None
        The way to split a fused weight.
    """

    path: str
    role: Role
    shape: tuple[str, ...] = ()
    bias: bool | str = False
    when: str = ""
    leaf: str = "weight"
    transposed: bool = False
    stacked: bool = False
    split: Split | None = None


def no_facts(config: Config, sizes: Dimensions) -> Facts:
    """No facts, for families whose sizes all follow from the dimensions."""
    return {}


def any_shapes(shapes: Shapes) -> bool:
    """Accept all shapes, for families whose names are distinctive enough."""
    return True


@dataclass(frozen=True, eq=False)
class Family:
    """A model family: the names, roles and sizes of its tensors.

    Attributes
    ----------
    name : str
        Our name for it.
    model_types : tuple of str
        Values of `model_type` in `config.json`. GGUF's `general.architecture` and the beginning of
        a class name in `architectures` are compared with them as well, ignoring case and ``_``.
    tied : bool
        Whether the head shares the embedding when the configuration does not say.
    prefix : str
        The prefix that the causal model class gives to all names except the head's.
    before, block, after, head : tuple of Row
        Modules before the blocks, in each block, after them, and outside the prefix.
    signature : tuple of str
        Paths that identify the family if all of them occur among the tensor names; empty if names
        cannot identify it. A path that ends in ``.bias`` is that of a bias.
    absent : tuple of str
        Paths of which none may occur.
    facts : callable
        Further symbols and conditions, from the configuration.
    mlp_factor : int
        Width of the MLP as a multiple of the width of the model, where the configuration gives
        none; 0 if unknown.
    defaults : mapping
        Dimensions that the configuration class fills in when `config.json` leaves them out.
    expected : bool
        Whether the rows describe every tensor, so that shapes follow from the configuration.
    fits : callable
        A final check of the shapes, where names alone would mislead.
    """

    name: str
    model_types: tuple[str, ...] = ()
    tied: bool = False
    prefix: str = ""
    before: tuple[Row, ...] = ()
    block: tuple[Row, ...] = ()
    after: tuple[Row, ...] = ()
    head: tuple[Row, ...] = ()
    signature: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    facts: Callable[[Config, Dimensions], Facts] = no_facts
    mlp_factor: int = 0
    defaults: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    expected: bool = True
    fits: Callable[[Shapes], bool] = any_shapes
