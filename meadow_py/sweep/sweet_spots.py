"""Sweet spots: the fewest bits per weight at no lower SNR, against dense and plain Huffman."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meadow_py.architectures import ROLES
from meadow_py.codecs import CODECS, CODERS
from meadow_py.profiler import Profile, WeightPacking, WeightProfile
from meadow_py.profiler.summary import keeps_working

DENSE, PLAIN_HUFFMAN = "dense", "plain_huffman"
STORAGE = "storage"
_NO_CHUNKS = (DENSE, PLAIN_HUFFMAN, *CODERS)
_EXACT = math.inf  # SNR where quantising lost nothing

# A coded form and its chunk size, which those of `_NO_CHUNKS` lack.
_Form = tuple[str, int | None]


@dataclass(frozen=True)
class Choice:
    """One way to store the weights of a role.

    Attributes
    ----------
    quantizer : str
        Key of the quantiser.
    bits, granularity : int, str or None
        Bits per code and granularity of the quantiser.
    codec : str
        ``dense``, ``plain_huffman``, ``huffman``, ``storage``, or the name of a packing.
    chunk_size : int or None
        None unless the codec is a packing.
    bits_per_weight : float
        Everything counted.
    ratio : float
        How many times smaller than the dense form of the reference.
    snr_db : float or None
        The lowest SNR of the weights, in decibels; None where quantising lost nothing.
    """

    quantizer: str
    bits: int
    granularity: str | None
    codec: str
    chunk_size: int | None
    bits_per_weight: float
    ratio: float
    snr_db: float | None


@dataclass(frozen=True)
class SweetSpot:
    """The best choice for the weights of one role, if no weight may lose SNR against a reference.

    Attributes
    ----------
    role : str
        A role, or ``all``.
    weights, values : int
        Number of matrices, and of values in them.
    quantizer : str
        Key of the reference, which is one way of quantising.
    bits, granularity : int, str or None
        Bits per code and granularity of the reference.
    snr_db : float or None
        The lowest SNR of the weights under the reference, in decibels; None where nothing was lost.
    dense : float
        Bits per weight of the reference, not packed.
    packed, huffman, smallest_dense : Choice
        The smallest packing, plain Huffman code and dense form among all ways of quantising whose
        SNR is not lower in any weight.
    storage : Choice or None
        The smallest of these under the storage codec. It shows what is attainable, and does not
        compete with the packings. None in files of earlier versions.
    """

    role: str
    weights: int
    values: int
    quantizer: str
    bits: int
    granularity: str | None
    snr_db: float | None
    dense: float
    packed: Choice
    huffman: Choice
    smallest_dense: Choice
    storage: Choice | None

    @property
    def sweet_spot(self) -> Choice | None:
        """The smallest packing; None where it is not the smallest, or its SNR is below 14.6 dB.

        A dense form and plain Huffman compete with it. See `profiler.summary.WORKING_SNR_DB`.
        """
        works = keeps_working(self.packed.snr_db)
        return self.packed if works and self.smallest is self.packed else None

    @property
    def smallest(self) -> Choice:
        """The smallest among the packing, the plain Huffman code and the dense form."""
        choices = (self.huffman, self.smallest_dense, self.packed)
        return min(choices, key=lambda choice: choice.bits_per_weight)


def sweet_spots(profile: Profile) -> tuple[SweetSpot, ...]:
    """Sweet spots for every reference: one per role, and one for all weights together."""
    keys = list(dict.fromkeys(p.quantizer for w in profile.weights for p in w.packings))
    by_role = {role: [w for w in profile.weights if w.role == role] for role in ROLES}
    tables = [_RoleSizes(role, weights) for role, weights in by_role.items() if weights]
    if len(tables) > 1:
        tables.append(_RoleSizes("all", profile.weights))
    found = (table.sweet_spot(key) for key in keys for table in tables)
    return tuple(spot for spot in found if spot is not None)


def choices(profile: Profile) -> Iterator[tuple[str, int, int, Choice]]:
    """Role, weights, values, and every way to store them; ratios are against the dense codes."""
    for role in ROLES:
        weights = [w for w in profile.weights if w.role == role]
        if not weights:
            continue
        table = _RoleSizes(role, weights)
        for key in table.quantizers:
            members = table.members(key)
            values = sum(weight.count for weight in members)
            for form in table.forms(key):
                yield role, len(members), values, table.choice(form, key, key)


class _RoleSizes:
    """Sizes and SNR of the weights of one role, by way of quantising."""

    def __init__(self, role: str, weights: Sequence[WeightProfile]) -> None:
        self.role = role
        self._weights = weights
        self._bits: dict[str, dict[_Form, int]] = {}
        self._snr: dict[str, dict[str, float]] = {}
        self._about: dict[str, tuple[int, str | None]] = {}  # bits, granularity
        self._uncoded: set[str] = set()  # codecs under which some weights were not measured
        for weight in weights:
            for packing in weight.packings:
                self._add(weight, packing)

    @property
    def quantizers(self) -> tuple[str, ...]:
        return tuple(self._bits)

    def forms(self, key: str) -> tuple[_Form, ...]:
        return tuple(form for form in self._bits[key] if form[0] not in self._uncoded)

    def members(self, key: str) -> list[WeightProfile]:
        return [weight for weight in self._weights if weight.name in self._snr[key]]

    def sweet_spot(self, reference: str) -> SweetSpot | None:
        if reference not in self._bits:
            return None
        members = self.members(reference)
        values = sum(weight.count for weight in members)
        allowed = [key for key in self._bits if self._keeps(key, reference)]
        ways = [(form, key) for key in allowed for form in self._bits[key]]

        def smallest(codecs: Sequence[str]) -> Choice:
            some = [way for way in ways if way[0][0] in codecs]
            form, key = min(some, key=lambda way: self._bits[way[1]][way[0]])
            return self.choice(form, key, reference)

        return SweetSpot(
            role=self.role,
            weights=len(members),
            values=values,
            quantizer=reference,
            bits=self._about[reference][0],
            granularity=self._about[reference][1],
            snr_db=self._lowest_snr(reference),
            dense=self._bits[reference][DENSE, None] / values,
            packed=smallest(tuple(CODECS)),
            huffman=smallest((PLAIN_HUFFMAN,)),
            smallest_dense=smallest((DENSE,)),
            storage=smallest((STORAGE,)) if STORAGE not in self._uncoded else None,
        )

    def choice(self, form: _Form, key: str, reference: str) -> Choice:
        size = self._bits[key][form]
        return Choice(
            quantizer=key,
            bits=self._about[key][0],
            granularity=self._about[key][1],
            codec=form[0],
            chunk_size=form[1],
            bits_per_weight=size / sum(weight.count for weight in self.members(key)),
            ratio=self._bits[reference][DENSE, None] / size,
            snr_db=self._lowest_snr(key),
        )

    def _add(self, weight: WeightProfile, packing: WeightPacking) -> None:
        key = packing.quantizer
        self._about[key] = (packing.bits, packing.granularity)
        sizes = self._bits.setdefault(key, {})
        first = weight.name not in self._snr.setdefault(key, {})
        snr = _EXACT if packing.snr_db is None else packing.snr_db
        self._snr[key][weight.name] = snr
        for codec in (*_NO_CHUNKS, *CODECS):
            if codec in _NO_CHUNKS and not first:  # the same for every chunk size
                continue
            if codec not in packing.bits_per_weight:  # files of earlier versions
                self._uncoded.add(codec)
                continue
            form = (codec, None if codec in _NO_CHUNKS else packing.chunk_size)
            size = round(packing.bits_per_weight[codec] * weight.count)
            sizes[form] = sizes.get(form, 0) + size

    def _keeps(self, key: str, reference: str) -> bool:
        """Whether every weight of the reference has at least its SNR under `key`."""
        needed, given = self._snr[reference], self._snr[key]
        return given.keys() == needed.keys() and all(given[n] >= snr for n, snr in needed.items())

    def _lowest_snr(self, key: str) -> float | None:
        lowest = min(self._snr[key].values())
        return None if lowest == _EXACT else lowest
