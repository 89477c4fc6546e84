"""The bits of weights, activations and the KV cache."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPELLED = re.compile(r"w(?P<weight>[0-9.]+)a(?P<activation>[0-9.]+)(?:kv(?P<kv>[0-9.]+))?")


@dataclass(frozen=True)
class Precision:
    """Bits of a weight, of an activation, and of a value in the KV cache.

    Attributes
    ----------
    weight_bits, activation_bits, kv_bits : float
        Bits including scales, if the format has any: 4.5 for groups of 32 weights with an F16
        scale.
    """

    weight_bits: float = 8
    activation_bits: float = 8
    kv_bits: float = 8

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits", "kv_bits"):
            value = getattr(self, name)
            if not isinstance(value, int | float):
                raise TypeError(f"precision: {name}: expected bits, found {value!r}")
            if not 1 <= value <= 64:
                raise ValueError(f"precision: {name}: expected 1 to 64 bits, found {value!r}")

    @property
    def operand_bits(self) -> int:
        """Bits of the wider operand of a product, without the fraction that stands for scales."""
        return max(int(self.weight_bits), int(self.activation_bits))

    @classmethod
    def parse(cls, text: str | Precision) -> Precision:
        """Parse a precision such as ``"w8a8"`` or ``"w4.5a16kv8"``.

        Parameters
        ----------
        text : str or Precision
            Without ``kv``, the cache is as wide as activations. A `Precision` is returned as is.

        Returns
        -------
        Precision

        Raises
        ------
        ValueError
            For any other spelling.
        TypeError
            For anything but text or a `Precision`.
        """
        if isinstance(text, Precision):
            return text
        if not isinstance(text, str):
            raise TypeError(f"precision: expected text such as 'w8a8', found {text!r}")
        found = _SPELLED.fullmatch(text.strip().lower())
        try:
            if found is None:
                raise ValueError
            weight, activation = float(found["weight"]), float(found["activation"])
            return cls(weight, activation, float(found["kv"] or activation))
        except ValueError:
            raise ValueError(
                f"precision: expected bits of weights and activations such as 'w8a8', 'w4.5a16' "
                f"or 'w4a16kv8', found {text!r}"
            ) from None

    def __str__(self) -> str:
        text = f"w{self.weight_bits:g}a{self.activation_bits:g}"
        return text if self.kv_bits == self.activation_bits else f"{text}kv{self.kv_bits:g}"
