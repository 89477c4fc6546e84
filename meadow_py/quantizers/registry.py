"""All quantisers by their keys."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

from meadow_py.quantizers.integers import Granularity, Integers
from meadow_py.quantizers.q8 import Q8
from meadow_py.quantizers.quantizer import Quantizer
from meadow_py.quantizers.stored import Stored

# A key is offered to each in turn. `Integers` takes every key that begins with int and a number.
_FAMILIES: list[type[Quantizer]] = [
    Q8,
    Stored,
    Integers,
]


def register(family: type[Quantizer]) -> None:
    """Make the keys of a quantiser known to this process.

    Parameters
    ----------
    family : subclass of Quantizer
        Its `parse` is asked before that of any quantiser registered earlier.
    """
    if family not in _FAMILIES:
        _FAMILIES.insert(0, family)


def parse(key: str | Quantizer) -> Quantizer:
    """The quantiser of a key.

    Parameters
    ----------
    key : str or Quantizer
        In upper or lower case: ``int8:row``, ``int4:group:128:asym``, ``q8``. A quantiser is
        returned as it is.

    Returns
    -------
    Quantizer
        Its `key` is the canonical one: ``int8:tensor`` for ``int8``, ``int8:32+8:row`` for ``q8``.

    Raises
    ------
    ValueError
        If no quantiser has this key.
    TypeError
        If the key is not a string.
    """
    if isinstance(key, Quantizer):
        return key
    if not isinstance(key, str):
        raise TypeError(f"a quantizer must be a key such as 'int8:row', not {type(key).__name__}")
    for family in _FAMILIES:
        try:
            made = family.parse(key.strip().lower())
        except ValueError as error:
            raise ValueError(f"quantizer {reprlib.repr(key)}: {error}") from error
        if made is not None:
            return made
    known = "; ".join(family.spelling for family in _FAMILIES if family is not Stored)
    raise ValueError(f"quantizer {reprlib.repr(key)}: expected {known}")


def find(key: str) -> Quantizer | None:
    """The quantiser of a key in a file; None if this process does not know it."""
    try:
        return parse(key)
    except ValueError:
        return None


def canonical(key: str | Quantizer) -> str:
    """The key as results spell it; `key` itself if it is unknown."""
    found = key if isinstance(key, Quantizer) else find(key)
    return str(key) if found is None else found.key


def title(key: str, short: bool = False) -> str:
    """The title of the quantiser that a key names; the key itself if it is unknown."""
    found = find(key)
    if found is None:
        return key
    return found.short_title if short else found.title


def product(
    bits: Iterable[int], granularity: Iterable[str | Granularity], symmetric: bool = True
) -> tuple[Integers, ...]:
    """Integers for every pair of bits and granularity; bits are the outer loop."""
    scopes = tuple(granularity)
    return tuple(Integers(width, scope, symmetric) for width in bits for scope in scopes)
