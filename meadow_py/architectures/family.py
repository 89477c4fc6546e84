"""The words in which a model family is described: rows of names, roles and sizes."""

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
        Module path without what stands before it and without ``.weight``. ``#`` is a number,
        ``a|b`` two spellings, of which the first is the canonical one.
    role : Role
        Role of its weight. A fused module is ``other``; its parts have roles of their own.
    shape : tuple of str
        Stored shape, in symbols of the family's facts; empty where it is not known.
    bias : bool or str
        Whether there is a bias, or the name of the fact that tells.
    when : str
        Name of the fact that tells whether the module exists; empty: always.
    leaf : str
        The parameter that `shape` is of.
    transposed : bool
        Stored as ``[in, out]``.
    stacked : bool
        More than two dimensions are expected, and all of them have this role (experts).
    split : Split or None
        How a fused weight is split.
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
    """For families whose sizes all follow from the dimensions."""
    return {}


def any_shapes(shapes: Shapes) -> bool:
    """For families whose names say enough."""
    return True


@dataclass(frozen=True, eq=False)
class Family:
    """A model family: how its tensors are called, what they do, how large they are.

    Attributes
    ----------
    name : str
        Our name of it.
    model_types : tuple of str
        `model_type` of `config.json`; GGUF's `general.architecture` and the beginning of a
        class name in `architectures` are compared with it as well, without case and ``_``.
    tied : bool
        Whether the head shares the embedding when the configuration does not say.
    prefix : str
        What the causal model class puts before everything but the head.
    before, block, after, head : tuple of Row
        Modules before the blocks, in each block, after them, and outside the prefix.
    signature : tuple of str
        Paths that, all found among the tensor names, tell the family; none: names cannot.
        With ``.bias`` behind it a path is that of a bias.
    absent : tuple of str
        Paths, none of which may be there.
    facts : callable
        Further symbols and conditions, from the configuration.
    mlp_factor : int
        Width of the MLP in widths of the model, where the configuration does not say; 0: unknown.
    defaults : mapping
        Dimensions that the configuration class fills in when `config.json` leaves them out.
    expected : bool
        Whether the rows describe every tensor, so that shapes follow from the configuration.
    fits : callable
        A last look at the shapes, where names alone would mislead.
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
