"""A packing whose bytes were measured: a codec of a `Profile`, weight by weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meadow_py.ledger import Ledger
from meadow_py.simulator.packing import Decoder, PackedWeight

if TYPE_CHECKING:
    from meadow_py.profiler import Profile
    from meadow_py.profiler.result import Packing as Packed
    from meadow_py.profiler.result import WeightProfile

CHUNKED = ("naive", "packets", "reindexed")
"""Codecs with a dictionary, which stays on the chip while a weight is decoded."""
_FLOATS = ("stored.huffman", "stored.storage")


@dataclass(frozen=True)
class ProfilePacking:
    """Measured bytes of every weight under one codec; made by `of`.

    Attributes
    ----------
    name : str
    by_weight : dict of (int or None, str) to (PackedWeight, int)
        By layer and role: bytes, and how many weights they hold.
    bits : float
        Of a dense weight in the profile.
    decoder : Decoder
    """

    name: str
    by_weight: dict[tuple[int | None, str], tuple[PackedWeight, int]]
    bits: float
    decoder: Decoder = field(default_factory=Decoder)

    @classmethod
    def of(
        cls,
        profile: Profile,
        codec: str,
        bits: float = 8,
        granularity: str | None = None,
        chunk_size: int | None = None,
        decoder: Decoder | None = None,
    ) -> ProfilePacking:
        """One codec of a profile.

        Parameters
        ----------
        profile : Profile
        codec : str
            ``dense``, ``naive``, ``packets``, ``reindexed``, ``plain_huffman``, ``huffman`` or
            ``storage`` of the codes; ``stored.huffman`` and ``stored.storage`` of the floats as
            they are stored.
        bits, granularity, chunk_size
            See `packing_of`.
        decoder : Decoder, optional

        Raises
        ------
        ValueError
            If the profile has no such codec or setting, with those it has.
        """
        if codec in _FLOATS:
            entries = [_stored(weight, codec) for weight in profile.weights]
            width = float(max((w.stored.bits for w in profile.weights if w.stored), default=0))
        else:
            size = chunk_size or _best_chunk(profile, codec, bits, granularity)
            entries = [_coded(w, codec, bits, granularity, size) for w in profile.weights]
            width = float(bits)
        return cls(codec, _added(profile, entries), width, decoder or Decoder())

    def weight(self, layer: int | None, role: str, weights: int, bits: float) -> PackedWeight:
        """See `Packing.weight`.

        A tied head is the embedding; a weight that was not profiled is dense.

        Raises
        ------
        ValueError
            If the profile's weight has another size: it is that of another model.
        """
        found = self.by_weight.get((layer, role))
        if found is None and role == "head":
            found = self.by_weight.get((None, "embedding"))
        if found is None:
            return PackedWeight(weights * bits / 8)
        packed, count = found
        if count != weights:
            where = role if layer is None else f"{role} of layer {layer}"
            raise ValueError(
                f"packing: {where}: the profile holds {count} weights, expected {weights}: it is "
                "of another model"
            )
        return packed


def _packed(ledger: Ledger, on_chip: float) -> PackedWeight:
    table = ledger.dictionary + ledger.tables
    return PackedWeight((ledger.total - table) / 8, table / 8, on_chip)


def _coded(
    weight: WeightProfile, codec: str, bits: float, granularity: str | None, chunk_size: int
) -> PackedWeight:
    found = [p for p in _at(weight, bits, granularity) if p.chunk_size == chunk_size]
    if not found:
        sizes = sorted({p.chunk_size for p in weight.packings})
        raise ValueError(f"packing: chunk size {chunk_size}: the profile has {sizes}")
    packing = found[0]
    return _packed(_ledger(weight, packing, codec), _on_chip(packing, codec))


def _on_chip(packing: Packed, codec: str) -> float:
    if codec in CHUNKED:
        return packing.dictionary_bytes
    if codec == "huffman" and packing.huffman is not None:
        return packing.huffman.table_bits / 8
    return packing.ledgers[codec].tables / 8


def _stored(weight: WeightProfile, codec: str) -> PackedWeight:
    name = codec.partition(".")[2]
    if weight.stored is None:
        raise ValueError(
            f"packing {codec!r}: {weight.name} is stored as {weight.dtype}, expected floats"
        )
    tables = sum(table.table_bits for table in weight.stored.huffman) / 8
    return _packed(weight.stored.ledgers[name], tables if name == "huffman" else 0.0)


def _ledger(weight: WeightProfile, packing: Packed, codec: str) -> Ledger:
    if codec not in packing.ledgers:
        known = ", ".join((*packing.ledgers, *_FLOATS))
        raise ValueError(f"packing {codec!r}: expected one of {known} ({weight.name})")
    return packing.ledgers[codec]


def _at(weight: WeightProfile, bits: float, granularity: str | None) -> list[Packed]:
    found = [p for p in weight.packings if p.bits == bits]
    wanted = granularity or (found[0].granularity if found else "")
    found = [p for p in found if p.granularity == wanted]
    if not found:
        known = sorted({f"{p.bits} bits by {p.granularity}" for p in weight.packings})
        raise ValueError(
            f"packing: {weight.name}: expected one of {', '.join(known)}, found {bits:g} bits by "
            f"{granularity or 'any'}"
        )
    return found


def _best_chunk(profile: Profile, codec: str, bits: float, granularity: str | None) -> int:
    totals: dict[int, int] = {}
    for weight in profile.weights:
        for packing in _at(weight, bits, granularity):
            size = _ledger(weight, packing, codec).total
            totals[packing.chunk_size] = totals.get(packing.chunk_size, 0) + size
    if not totals:
        raise ValueError("packing: the profile has no weights")
    return min(totals, key=lambda size: (totals[size], size))


def _added(
    profile: Profile, entries: list[PackedWeight]
) -> dict[tuple[int | None, str], tuple[PackedWeight, int]]:
    """By layer and role; fused parts of the same role are added up."""
    found: dict[tuple[int | None, str], tuple[PackedWeight, int]] = {}
    for weight, entry in zip(profile.weights, entries, strict=True):
        if weight.role == "embedding" and (None, "embedding") in found:
            continue  # the second embedding is that of positions
        before, count = found.get((weight.layer, weight.role), (PackedWeight(0.0), 0))
        found[weight.layer, weight.role] = (
            PackedWeight(
                before.payload_bytes + entry.payload_bytes,
                before.table_bytes + entry.table_bytes,
                max(before.on_chip_table_bytes, entry.on_chip_table_bytes),
            ),
            count + weight.count,
        )
    return found
