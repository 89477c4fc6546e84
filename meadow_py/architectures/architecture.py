"""The structure of one model: its family, its sizes, and the weights in its tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from meadow_py.architectures import fallback
from meadow_py.architectures.dimensions import Config, Dimensions
from meadow_py.architectures.expected import expected_shapes
from meadow_py.architectures.family import Family, Shapes
from meadow_py.architectures.fused import ROLE_OF_PART
from meadow_py.architectures.naming import Place, place_of, split_leaf
from meadow_py.architectures.weight import Part, Role, WeightSpec


@dataclass(frozen=True)
class Architecture:
    """The structure of one model, made by `resolve`.

    Attributes
    ----------
    family : str
        Name of the family; ``unknown`` if no known family describes the model.
    dimensions : Dimensions or None
        Sizes of the model; None without a configuration.
    tied : bool
        Whether the head shares the token embedding. If the stored head of a checkpoint turns out to
        differ from its embedding, set this to False with `dataclasses.replace`.
    inferred : bool
        Whether the family is unknown or was inferred from tensor names only. This suffices for
        roles, but not for running the model.
    table, config, split_fused
        Inputs of `weights` and `expected_shapes`; not part of the interface.
    """

    family: str
    dimensions: Dimensions | None
    tied: bool
    inferred: bool
    table: Family = field(repr=False)
    config: Config | None = field(repr=False, compare=False)
    split_fused: bool = field(default=True, repr=False)

    def weights(self, shapes: Shapes) -> list[WeightSpec]:
        """List the weights in stored tensors, in model order.

        Every tensor of two or more dimensions is listed once, either whole or as parts that tile
        it. Constants of the program (causal masks, position ids) and the stored copies of a tied
        head (see `tied_duplicates`) are left out. A tensor of more than two dimensions is seen as
        ``[leading, last]``. A fused tensor that cannot be split, because the number of heads is
        unknown, stays whole, with role ``other``.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Shape of every stored tensor as in the file; for GGUF reversed, as numpy sees it.

        Returns
        -------
        list of WeightSpec
            Where each weight is stored.
        """
        skipped = self.tied_duplicates(shapes)
        listed = [
            (place_of(self.table, tensor), position, tensor, tuple(shape))
            for position, (tensor, shape) in enumerate(shapes.items())
            if len(shape) > 1 and tensor not in skipped and not fallback.is_buffer(tensor, shape)
        ]
        listed.sort(key=lambda item: (item[0].order, item[1]))
        return [
            spec for place, _, tensor, shape in listed for spec in self._specs(place, tensor, shape)
        ]

    def role_of(self, tensor_name: str) -> Role:
        """Return the role of a stored tensor with any number of dimensions.

        Scale and bias of a norm are ``norm``; every other bias, and every fused tensor, is
        ``other``.

        Parameters
        ----------
        tensor_name : str
            Name of the tensor in the file.

        Returns
        -------
        str
            One of `ROLES`.
        """
        return place_of(self.table, tensor_name).role

    def tied_duplicates(self, shapes: Shapes) -> dict[str, str]:
        """Find stored heads that should be copies of the embedding.

        `weights` does not list these heads. Only shapes are compared: the caller has to check that
        the bits agree.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Shape of every stored tensor.

        Returns
        -------
        dict of str to str
            Name of the head -> name of the embedding. Empty for a model that is not tied, or whose
            head and embedding differ in shape.
        """
        if not self.tied:
            return {}
        embeddings = {
            tuple(shape): tensor
            for tensor, shape in reversed(list(shapes.items()))
            if fallback.is_token_embedding(split_leaf(tensor)[0])
        }
        return {
            tensor: embeddings[tuple(shape)]
            for tensor, shape in shapes.items()
            if tuple(shape) in embeddings and self.role_of(tensor) == "head"
        }

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        """Derive the shape of every tensor of a checkpoint from the configuration.

        Names are those of the family's Hugging Face class: the bare model where `architectures`
        says so, otherwise the one with a language model head. A tied head is stored once, as the
        embedding. Only the language model of a multimodal model is covered.

        Returns
        -------
        dict of str to tuple of int
            Tensor name -> shape, in model order.

        Raises
        ------
        ValueError
            If there is no configuration, if it lacks sizes, or if the shapes of this family do not
            follow from it.
        """
        if self.config is None or self.dimensions is None:
            raise ValueError("expected shapes follow from a configuration, and there is none")
        if not self.table.expected:
            raise ValueError(f"expected shapes are not described for family {self.family!r}")
        return expected_shapes(self.table, self.config, self.dimensions, self.tied)

    def _specs(self, place: Place, tensor: str, shape: tuple[int, ...]) -> Iterator[WeightSpec]:
        row = place.row
        matrix = (math.prod(shape[:-1]), shape[-1])
        if len(shape) > 2:
            role: Role = place.role if row is not None and row.stacked else "other"
            yield WeightSpec(tensor, role, place.layer, tensor, matrix)
            return
        transposed = row is not None and row.transposed
        rows, columns = matrix[::-1] if transposed else matrix
        parts = self._parts(place, rows)
        if not parts:
            role, whole = place.role, (rows, columns)
            yield WeightSpec(tensor, role, place.layer, tensor, whole, transposed)
        for part in parts:
            role, name = ROLE_OF_PART[part.label], f"{tensor}[{part.label}]"
            part_shape = (part.rows, columns)
            yield WeightSpec(name, role, place.layer, tensor, part_shape, transposed, part)

    def _parts(self, place: Place, rows: int) -> tuple[Part, ...]:
        if place.row is None or place.row.split is None or not self.split_fused:
            return ()
        return place.row.split(self.dimensions or Dimensions(), rows) or ()
