"""A packing with measured bytes: a codec of a `Profile`, weight by weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meadow_py.codecs import CODECS
from meadow_py.ledger import Ledger
from meadow_py.simulator.packing import Decoder, PackedWeight

if TYPE_CHECKING:
    from meadow_py.profiler import Profile, WeightProfile
    from meadow_py.profiler import WeightPacking as Packed

UNPROFILED = ("dense", "mean")
"""Codecs with a dictionary, which stays on the chip while a weight is decoded."""
_FLOATS = ("stored.huffman", "stored.storage")
MEASURED = "planes"
"""Fixed-width planes, which products read as they lie: of ``mp.profile(..., measure=True)``."""

# Tables of a decoder for the rANS code of docs/format.md: the symbol (8 bits) of each of 4096
# slots, and the frequency (13 bits) and first slot (12 bits) of each of 256 symbols.
RANS_TABLE_BYTES = (4096 * 8 + 256 * (13 + 12)) / 8


@dataclass(frozen=True)
class ProfilePacking:
    """Measured bytes of every weight under one codec; made by `of`.

    Attributes
    ----------
    name : str
    by_weight : dict of (int or None, str) to (PackedWeight, int)
        Bytes and number of weights, by layer and role.
    bits : float
        Bits of a dense weight in the profile.
    decoder : Decoder
    unprofiled : str
        See `of`.
    """

    name: str
    by_weight: dict[tuple[int | None, str], tuple[PackedWeight, int]]
    bits: float
    decoder: Decoder = field(default_factory=Decoder)
    unprofiled: str = "dense"

    @classmethod
    def of(
        cls,
        profile: Profile,
        codec: str,
        bits: float = 8,
        granularity: str | None = None,
        chunk_size: int | None = None,
        decoder: Decoder | None = None,
        unprofiled: str = "dense",
        quantizer: str | None = None,
    ) -> ProfilePacking:
        """The packing of one codec in a profile.

        Parameters
        ----------
        profile : Profile
        codec : str
            For codes: ``dense``, ``naive``, ``packets``, ``reindexed``, ``plain_huffman``,
            ``huffman`` or ``storage``. For floats as stored: ``stored.huffman``,
            ``stored.storage`` and, if the profile measured products, ``planes``; these need
            ``precision="w16..."`` or ``"w32..."``.
        bits, granularity, chunk_size, quantizer
            See `packing_of`.
        decoder : Decoder, optional
        unprofiled : {"dense", "mean"}
            How to count the weights of blocks that were not profiled: at their dense bytes, or at
            the average bits per weight of the profiled blocks, which is an extrapolation.

        Returns
        -------
        ProfilePacking

        Raises
        ------
        ValueError
            If the profile has no such codec or setting; the message lists those it has.
        """
        if unprofiled not in UNPROFILED:
            known = ", ".join(UNPROFILED)
            raise ValueError(f"unprofiled: expected one of {known}, found {unprofiled!r}")
        if codec == MEASURED:
            entries = [_planes(weight) for weight in profile.weights]
            width = float(max((_float_bits(w) for w in profile.weights), default=0))
        elif codec in _FLOATS:
            entries = [_stored(weight, codec) for weight in profile.weights]
            width = float(max((w.stored.bits for w in profile.weights if w.stored), default=0))
        else:
            wanted = _Wanted.of(bits, granularity, quantizer)
            size = chunk_size or _best_chunk(profile, codec, wanted)
            entries = [_coded(w, codec, wanted, size) for w in profile.weights]
            width = float(bits)
        by_weight = _added(profile, entries)
        return cls(codec, by_weight, width, decoder or Decoder(), unprofiled)

    def weight(self, layer: int | None, role: str, weights: int, bits: float) -> PackedWeight:
        """Bytes of one weight matrix; see `WeightPacking.weight`.

        A tied head counts as the embedding. `unprofiled` says how a weight that was not profiled
        is counted.

        Returns
        -------
        PackedWeight

        Raises
        ------
        ValueError
            If the weight has another size in the profile, which is then of another model, or if
            `bits` differs from the bits of the profile.
        """
        found = self.by_weight.get((layer, role))
        if found is None and role == "head":
            found = self.by_weight.get((None, "embedding"))
        if found is None:
            share = 1.0 if self.unprofiled == "dense" or layer is None else self.mean_share
            return PackedWeight(weights * bits / 8 * share)
        packed, count = found
        if bits != self.bits:
            raise ValueError(
                f"packing {self.name!r}: the profile holds weights of {self.bits:g} bits, expected "
                f"{bits:g} as the precision says"
            )
        if count != weights:
            where = role if layer is None else f"{role} of layer {layer}"
            raise ValueError(
                f"packing: {where}: the profile holds {count} weights, expected {weights}: it is "
                "of another model"
            )
        return packed

    @property
    def mean_share(self) -> float:
        """Packed over dense bytes of all profiled weights of blocks, with tables; 1 if none."""
        blocks = [found for (layer, _), found in self.by_weight.items() if layer is not None]
        dense = sum(count for _, count in blocks) * self.bits / 8
        return sum(packed.moved_bytes for packed, _ in blocks) / dense if blocks else 1.0


def _packed(ledger: Ledger, on_chip: float) -> PackedWeight:
    table = ledger.dictionary + ledger.tables
    return PackedWeight((ledger.total - table) / 8, table / 8, on_chip)


@dataclass(frozen=True)
class _Wanted:
    """Which codes of a profile to use: those of the first quantiser that matches."""

    bits: float
    granularity: str | None
    quantizer: str | None

    @classmethod
    def of(cls, bits: float, granularity: str | None, quantizer: str | None) -> _Wanted:
        if quantizer is None:
            return cls(bits, granularity, None)
        from meadow_py import quantizers  # only here: simulations start without them

        return cls(bits, granularity, quantizers.canonical(quantizer))

    def among(self, weight: WeightProfile) -> list[Packed]:
        found = [p for p in weight.packings if self._suits(p)]
        if not found:
            ways = {(p.quantizer, p.bits, p.granularity) for p in weight.packings}
            known = sorted(_way(*way) for way in ways)
            way = self.quantizer or self.granularity
            raise ValueError(
                f"packing: {weight.name}: expected one of {', '.join(known)}, found {self.bits:g} "
                f"bits{f' by {way}' if way else ''}"
            )
        return [p for p in found if p.quantizer == found[0].quantizer]

    def _suits(self, packing: Packed) -> bool:
        return (
            packing.bits == self.bits
            and self.granularity in (None, packing.granularity)
            and self.quantizer in (None, packing.quantizer)
        )


def _way(quantizer: str, bits: int, granularity: str | None) -> str:
    return f"{bits} bits by {granularity or quantizer}"


def _coded(weight: WeightProfile, codec: str, wanted: _Wanted, chunk_size: int) -> PackedWeight:
    found = [p for p in wanted.among(weight) if p.chunk_size == chunk_size]
    if not found:
        sizes = sorted({p.chunk_size for p in weight.packings})
        raise ValueError(
            f"packing: expected a chunk size of the profile, {sizes}, found {chunk_size}"
        )
    packing = found[0]
    return _packed(_ledger(weight, packing, codec), _on_chip(packing, codec))


def _on_chip(packing: Packed, codec: str) -> float:
    if codec in CODECS:
        return packing.dictionary_bytes
    if codec == "huffman" and packing.huffman is not None:
        return packing.huffman.table_bits / 8
    if codec == "storage" and packing.storage_coding == "rans":
        return RANS_TABLE_BYTES
    return packing.ledgers[codec].tables / 8


def _stored(weight: WeightProfile, codec: str) -> PackedWeight:
    name = codec.partition(".")[2]
    if weight.stored is None:
        raise ValueError(
            f"packing {codec!r}: {weight.name} is stored as {weight.dtype}, expected floats"
        )
    tables = sum(table.table_bits for table in weight.stored.huffman) / 8
    if name == "storage":
        tables = weight.stored.coding.split("+").count("rans") * RANS_TABLE_BYTES
    return _packed(weight.stored.ledgers[name], tables)


def _planes(weight: WeightProfile) -> PackedWeight:
    """Bytes that a product reads; dense if the dtype has no packed form."""
    if weight.products is None:
        raise ValueError(
            f"packing {MEASURED!r}: {weight.name}: its products were not measured; expected a "
            "profile of mp.profile(..., measure=True)"
        )
    return PackedWeight(float(weight.products.packed_nbytes or weight.products.dense_nbytes))


def _float_bits(weight: WeightProfile) -> float:
    if weight.stored is not None:
        return weight.stored.bits
    return 0.0 if weight.products is None else 8 * weight.products.dense_nbytes / weight.count


def _ledger(weight: WeightProfile, packing: Packed, codec: str) -> Ledger:
    if codec not in packing.ledgers:
        known = ", ".join((*packing.ledgers, *_FLOATS))
        raise ValueError(f"packing: {weight.name}: expected one of {known}, found {codec!r}")
    return packing.ledgers[codec]


def _best_chunk(profile: Profile, codec: str, wanted: _Wanted) -> int:
    totals: dict[int, int] = {}
    for weight in profile.weights:
        for packing in wanted.among(weight):
            size = _ledger(weight, packing, codec).total
            totals[packing.chunk_size] = totals.get(packing.chunk_size, 0) + size
    if not totals:
        raise ValueError("packing: the profile has no weights")
    return min(totals, key=lambda size: (totals[size], size))


def _added(
    profile: Profile, entries: list[PackedWeight]
) -> dict[tuple[int | None, str], tuple[PackedWeight, int]]:
    """Entries by layer and role; fused parts of the same role are added up."""
    found: dict[tuple[int | None, str], tuple[PackedWeight, int]] = {}
    for weight, entry in zip(profile.weights, entries, strict=True):
        if weight.role == "embedding" and (None, "embedding") in found:
            continue  # the second embedding holds positions
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
