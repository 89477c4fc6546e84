"""Checks of a profile from a file, made once when it is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from meadow_py import quantizers
from meadow_py.architectures import ROLES
from meadow_py.codecs import CODECS, CODERS, MAX_CHUNK, MIN_CHUNK
from meadow_py.ledger import Ledger
from meadow_py.profiler.coded import HuffmanTable, StoredFloats
from meadow_py.profiler.measured import MeasuredHost, MeasuredProducts
from meadow_py.profiler.result import Packing, Profile, WeightProfile

_PLAIN = {"str": str, "int": int, "bool": bool}
_FIGURES = ("dense", "floor_symbol", "floor_chunk", "index_only", "scales", *CODECS)
_FLOORS = ("symbol", "fields", "joint")
_LARGEST = 2**63  # far above any count in a real profile


def check_types(made: Any) -> None:
    """Raise ValueError if a string, integer or flag of a dataclass has another type."""
    for field in fields(made):
        value, expected = getattr(made, field.name), _PLAIN.get(str(field.type))
        wrong = expected is not None and type(value) is not expected
        if wrong or (type(value) is int and not 0 <= value < _LARGEST):
            raise ValueError(f"{field.name} is {value!r}")


def check_profile(profile: Profile) -> None:
    """Raise ValueError if a part is impossible, or if parts contradict each other."""
    for part in (profile.model, profile.settings, profile.host):
        check_types(part)
    if profile.measured is not None:
        _check_measured(profile.measured)
    names = [weight.name for weight in profile.weights]
    if not names:
        raise ValueError("no weights in it")
    if len(set(names)) < len(names):
        raise ValueError(f"two weights are called {max(names, key=names.count)!r}")
    chunk_sizes: dict[str, tuple[int, ...]] = {}
    for weight in profile.weights:
        check_weight(weight)
        for setting, sizes in _chunk_sizes(weight).items():
            if chunk_sizes.setdefault(setting, sizes) != sizes:
                raise ValueError(f"weight {weight.name!r} has other chunk sizes than those before")


def check_weight(weight: WeightProfile) -> None:
    """Raise ValueError if a weight is impossible."""
    if weight.role not in ROLES:
        raise ValueError(f"weight {weight.name!r} has the unknown role {weight.role!r}")
    if weight.layer is not None and type(weight.layer) is not int:
        raise ValueError(f"weight {weight.name!r} is of layer {weight.layer!r}")
    if not all(1 <= size < _LARGEST for size in weight.shape) or not weight.packings:
        raise ValueError(f"weight {weight.name!r} of shape {weight.shape} holds nothing")
    _require(weight.floors, _FLOORS, weight.name)
    for packing in weight.packings:
        _check_packing(packing, weight.name)
    if weight.stored is not None:
        _check_stored(weight.stored, weight.name)
    if weight.products is not None:
        _check_products(weight.products, weight.name)


def _check_packing(packing: Packing, name: str) -> None:
    _check_quantizer(packing, name)
    in_range = 1 <= packing.bits <= 8 and MIN_CHUNK <= packing.chunk_size <= MAX_CHUNK
    if not in_range or packing.unique_chunks < 1 or packing.reduction_ratio < 1:
        raise ValueError(f"weight {name!r} has a packing that cannot be")
    _require(packing.bits_per_weight, _FIGURES, name)
    _require(packing.ledgers, ("dense", *CODECS), name)
    _check_ledgers(packing.ledgers, packing.bits_per_weight, name)
    _check_tables(() if packing.huffman is None else (packing.huffman,), name)


def _check_quantizer(packing: Packing, name: str) -> None:
    """Unknown keys pass: they may come from a later version."""
    known = quantizers.find(packing.quantizer)
    if known is None:
        return
    expected = (known.key, known.bits, known.granularity)
    found = (packing.quantizer, packing.bits, packing.granularity)
    if found != expected:
        raise ValueError(
            f"weight {name!r} has codes of the quantizer, bits and granularity {found}, "
            f"expected {expected}"
        )


def _check_stored(stored: StoredFloats, name: str) -> None:
    check_types(stored)
    if not 1 <= stored.bits <= 64:
        raise ValueError(f"weight {name!r} is stored in {stored.bits} bits a value")
    _require(stored.bits_per_weight, tuple(CODERS), name)
    _require(stored.floors, tuple(CODERS), name)
    _require(stored.ledgers, tuple(CODERS), name)
    _check_ledgers(stored.ledgers, stored.bits_per_weight, name)
    _check_tables(stored.huffman, name)


def _check_products(products: MeasuredProducts, name: str) -> None:
    check_types(products)
    packed = (products.packed_microseconds, products.packed_nbytes)
    if len({figure is None for figure in (*packed, products.packed_form)}) > 1:
        raise ValueError(f"weight {name!r} has half of a packed product")
    if not isinstance(products.packed_form, str | None):
        raise ValueError(f"weight {name!r} has a packed form {products.packed_form!r}")
    figures = (products.dense_microseconds, products.dense_nbytes, *packed)
    if not all(_is_positive(figure) for figure in figures if figure is not None):
        raise ValueError(f"weight {name!r} has a product that takes no time or reads nothing")


def _check_measured(host: MeasuredHost) -> None:
    check_types(host)
    if not _is_positive(host.read_bytes_per_second):
        raise ValueError(f"memory was read at {host.read_bytes_per_second!r} bytes a second")


def _is_positive(figure: object) -> bool:
    """Whether it is a positive, finite number, as every measurement gives."""
    number = isinstance(figure, int | float) and not isinstance(figure, bool)
    return number and 0 < figure < math.inf  # type: ignore[operator]


def _check_ledgers(ledgers: dict[str, Ledger], figures: dict[str, float], name: str) -> None:
    for codec, ledger in ledgers.items():
        check_types(ledger)
        if ledger.total == 0:
            raise ValueError(f"weight {name!r} is stored in no bits")
        if figures[codec] <= 0:
            raise ValueError(f"weight {name!r} takes no bits under {codec!r}")


def _check_tables(tables: Iterable[HuffmanTable], name: str) -> None:
    for table in tables:
        check_types(table)
        if not (table.entries >= 1 and table.longest >= 1 and 1 <= table.symbol_bits <= 8):
            raise ValueError(f"weight {name!r} has a Huffman table that cannot be")


def _require(found: dict[str, Any], keys: tuple[str, ...], name: str) -> None:
    for key in keys:
        if key not in found:
            raise ValueError(f"weight {name!r} has no {key!r}")


def _chunk_sizes(weight: WeightProfile) -> dict[str, tuple[int, ...]]:
    sizes: dict[str, tuple[int, ...]] = {}
    for p in weight.packings:
        sizes[p.quantizer] = (*sizes.get(p.quantizer, ()), p.chunk_size)
    return sizes
