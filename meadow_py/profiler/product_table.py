"""Measured products, added up over many weights, next to entropy and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meadow_py.architectures import ROLES
from meadow_py.profiler.result import Profile
from meadow_py.profiler.weight_profile import WeightProfile


@dataclass(frozen=True)
class ProductRow:
    """Several weights that were multiplied, added up.

    Attributes
    ----------
    label : str
        A role, a weight's name, or ``all``.
    weights, values : int
        Number of matrices, and of values in them.
    without_packed : int
        Number of weights without a packed form; the packed figures count them as dense.
    fields_floor, storage : float or None
        Bits per weight of the stored floats: their entropy by field, and their size under the
        storage codec. None where a weight has no such figure.
    dense, packed : float or None
        Bits per weight that a dense and a packed product reads; `packed` is None where no weight
        has a packed form.
    dense_microseconds, packed_microseconds : float or None
        Time of the products with one vector, added up; `packed_microseconds` is None where no
        weight has a packed form.
    """

    label: str
    weights: int
    values: int
    without_packed: int
    fields_floor: float | None
    storage: float | None
    dense: float
    packed: float | None
    dense_microseconds: float
    packed_microseconds: float | None

    @property
    def byte_ratio(self) -> float | None:
        """How many times fewer bytes the packed products read."""
        return None if self.packed is None else self.dense / self.packed

    @property
    def speedup(self) -> float | None:
        """How many times faster the packed products are."""
        packed = self.packed_microseconds
        return None if packed is None else self.dense_microseconds / packed


@dataclass(frozen=True)
class ProductTable:
    """All weights that were multiplied: by role, one by one, and in total."""

    roles: tuple[ProductRow, ...]
    weights: tuple[ProductRow, ...]
    total: ProductRow


def product_table(profile: Profile) -> ProductTable | None:
    """The measured products of a profile; None where nothing was measured."""
    measured = [weight for weight in profile.weights if weight.products is not None]
    if not measured:
        return None
    by_role = {role: [w for w in measured if w.role == role] for role in ROLES}
    return ProductTable(
        roles=tuple(_row(role, members) for role, members in by_role.items() if members),
        weights=tuple(_row(weight.name, [weight]) for weight in measured),
        total=_row("all", measured),
    )


def _row(label: str, weights: Sequence[WeightProfile]) -> ProductRow:
    values = sum(weight.count for weight in weights)
    products = [weight.products for weight in weights if weight.products is not None]
    without = sum(p.packed_form is None for p in products)
    packed_nbytes = sum(p.packed_nbytes or p.dense_nbytes for p in products)
    packed_time = sum(p.packed_microseconds or p.dense_microseconds for p in products)
    none = without == len(products)
    return ProductRow(
        label=label,
        weights=len(weights),
        values=values,
        without_packed=without,
        fields_floor=_mean(weights, [weight.floors["fields"] for weight in weights]),
        storage=_mean(weights, [_storage(weight) for weight in weights]),
        dense=8 * sum(p.dense_nbytes for p in products) / values,
        packed=None if none else 8 * packed_nbytes / values,
        dense_microseconds=sum(p.dense_microseconds for p in products),
        packed_microseconds=None if none else packed_time,
    )


def _storage(weight: WeightProfile) -> float | None:
    return None if weight.stored is None else weight.stored.bits_per_weight["storage"]


def _mean(weights: Sequence[WeightProfile], figures: Sequence[float | None]) -> float | None:
    """Weighted by the number of values."""
    bits = [f * w.count for f, w in zip(figures, weights, strict=True) if f is not None]
    return sum(bits) / sum(w.count for w in weights) if len(bits) == len(weights) else None
