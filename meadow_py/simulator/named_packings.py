"""Named packings: none, a ratio, or a codec of a profile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.simulator.packing import Decoder, PackedWeight, Packing

if TYPE_CHECKING:
    from meadow_py.profiler import Profile
    from meadow_py.simulator import packing as seam


_RATIO = re.compile(r"(?P<ratio>[0-9]*\.?[0-9]+)x")


@dataclass(frozen=True)
class Dense:
    """Weights that are not packed."""

    name: str = "none"
    decoder: Decoder = field(default_factory=Decoder)

    def weight(
        self,
        layer: int | None,  # noqa: ARG002 all are alike
        role: str,  # noqa: ARG002
        weights: int,
        bits: float,
    ) -> PackedWeight:
        """See `Packing.weight`."""
        return PackedWeight(weights * bits / 8)


@dataclass(frozen=True)
class Ratio:
    """Every weight smaller by one ratio, everything counted, or by one ratio for each role.

    Attributes
    ----------
    ratio : float
        Dense bytes divided by packed bytes.
    by_role : dict of str to float
        Ratios of roles that differ from `ratio`: ``attention.q`` for one role, ``attention`` or
        ``mlp`` for all roles of that part.
    on_chip_table_bytes : float
        Bytes of the dictionary in on-chip memory.
    name : str
    decoder : Decoder
    """

    ratio: float
    by_role: dict[str, float] = field(default_factory=dict)
    on_chip_table_bytes: float = 0.0
    name: str = ""
    decoder: Decoder = field(default_factory=Decoder)

    def __post_init__(self) -> None:
        for ratio in (self.ratio, *self.by_role.values()):
            if not 1 <= ratio < float("inf"):
                raise ValueError(
                    f"packing: a ratio is how many times smaller weights become, so it must be at "
                    f"least 1, not {ratio:g}"
                )
        if not self.name:
            object.__setattr__(self, "name", f"{self.ratio:g}x")

    def weight(
        self,
        layer: int | None,  # noqa: ARG002 all layers are alike
        role: str,
        weights: int,
        bits: float,
    ) -> PackedWeight:
        """See `Packing.weight`."""
        family = role.partition(".")[0]
        ratio = self.by_role.get(role, self.by_role.get(family, self.ratio))
        return PackedWeight(weights * bits / 8 / ratio, 0.0, self.on_chip_table_bytes)


def packing_of(
    packing: Any,
    profile: Profile | None = None,
    *,
    bits: float = 8,
    granularity: str | None = None,
    chunk_size: int | None = None,
    decoder: Decoder | None = None,
    quantizer: str | None = None,
) -> seam.Packing:
    """Find a packing by its name.

    Parameters
    ----------
    packing : None, str, float or Packing
        ``"none"``; a ratio such as ``"1.5x"`` or 1.5; or, with a profile, one of its codecs:
        ``"naive"``, ``"reindexed"``, ``"huffman"``, ``"storage"``, ``"planes"``, ...
    profile : Profile, optional
        The profile that gives the measured bytes of every weight.
    bits, granularity, chunk_size
        Which setting of the profile to use. By default, its first granularity, and the chunk size
        that makes all weights together smallest.
    decoder : Decoder, optional
        The unit that decodes the packing. By default, decoding is never the limit.
    quantizer : str, optional
        Key of a quantiser in the profile whose codes have `bits` bits. By default, the first with
        that `granularity`.

    Returns
    -------
    Packing

    Raises
    ------
    ValueError
        For an unknown name, or one that needs a profile.
    """
    unit = decoder or Decoder()
    if packing is None or packing == "none":
        return Dense()
    if isinstance(packing, int | float) and not isinstance(packing, bool):
        return Ratio(float(packing), decoder=unit)
    if not isinstance(packing, str):
        if isinstance(packing, Packing):
            return packing
        raise TypeError(f"packing: expected a name, a ratio or a Packing, found {packing!r}")
    found = _RATIO.fullmatch(packing.strip().lower())
    if found:
        return Ratio(float(found["ratio"]), name=packing, decoder=unit)
    if profile is None:
        raise ValueError(
            f"packing: expected 'none', a ratio such as '1.5x', or with profile=... a codec, "
            f"found {packing!r}"
        )
    from meadow_py.simulator.profile_packing import ProfilePacking

    return ProfilePacking.of(
        profile, packing, bits, granularity, chunk_size, unit, quantizer=quantizer
    )
