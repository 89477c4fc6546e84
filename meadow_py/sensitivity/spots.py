"""Sweet spots: the fewest bits per weight at no lower SNR, against dense and plain Huffman."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meadow_py.architectures import ROLES
from meadow_py.codecs import CODECS, CODERS
from meadow_py.profiler.result import Packing, Profile, WeightProfile
from meadow_py.profiler.summary import Setting

DENSE, PLAIN_HUFFMAN = "dense", "plain_huffman"
STORAGE = "storage"
_NO_CHUNKS = (DENSE, PLAIN_HUFFMAN, *CODERS)
_EXACT = math.inf  # SNR where quantising lost nothing

# Coded form and chunk size of a setting; those of `_NO_CHUNKS` have none.
_Form = tuple[str, int | None]


@dataclass(frozen=True)
class Choice:
    """One way to store the weights of a role.

    Attributes
    ----------
    bits, granularity : int, str
        How they are quantised.
    codec : str
        ``dense``, ``plain_huffman``, ``huffman``, ``storage``, or the name of a packing.
    chunk_size : int or None
        Of packings alone.
    bits_per_weight : float
        Everything counted.
    ratio : float
        How many times smaller than the dense form of the reference.
    snr_db : float or None
        The lowest of the weights; None where quantising lost nothing.
    """

    bits: int
    granularity: str
    codec: str
    chunk_size: int | None
    bits_per_weight: float
    ratio: float
    snr_db: float | None


@dataclass(frozen=True)
class SweetSpot:
    """What suits the weights of one role, if no weight may lose SNR against a reference.

    Attributes
    ----------
    role : str
        Or ``all``.
    weights, values : int
        How many matrices, and how many numbers in them.
    bits, granularity : int, str
        The reference: one way of quantising.
    snr_db : float or None
        Of the reference, the lowest of the weights; None where nothing was lost.
    dense : float
        Of the reference, unpacked, in bits per weight.
    packed, huffman, smallest_dense : Choice
        The smallest packing, plain Huffman code and dense form among all ways of quantising whose
        SNR is not lower in any weight.
    storage : Choice or None
        The smallest under the storage codec among them: what is attainable, no rival of the
        packings. None in files of earlier versions.
    """

    role: str
    weights: int
    values: int
    bits: int
    granularity: str
    snr_db: float | None
    dense: float
    packed: Choice
    huffman: Choice
    smallest_dense: Choice
    storage: Choice | None

    @property
    def sweet_spot(self) -> Choice | None:
        """The smallest packing; None where a dense form or plain Huffman is smaller."""
        rival = min(self.huffman.bits_per_weight, self.smallest_dense.bits_per_weight)
        return self.packed if self.packed.bits_per_weight < rival else None

    @property
    def smallest(self) -> Choice:
        """The smallest of packing, plain Huffman and dense form."""
        choices = (self.packed, self.huffman, self.smallest_dense)
        return min(choices, key=lambda choice: choice.bits_per_weight)


def sweet_spots(profile: Profile) -> tuple[SweetSpot, ...]:
    """For every way of quantising as the reference: one per role, and one of all together."""
    settings = list(
        dict.fromkeys((p.bits, p.granularity) for w in profile.weights for p in w.packings)
    )
    by_role = {role: [w for w in profile.weights if w.role == role] for role in ROLES}
    tables = [_Table(role, weights) for role, weights in by_role.items() if weights]
    if len(tables) > 1:
        tables.append(_Table("all", profile.weights))
    found = (table.sweet_spot(setting) for setting in settings for table in tables)
    return tuple(spot for spot in found if spot is not None)


def choices(profile: Profile) -> Iterator[tuple[str, int, int, Choice]]:
    """Role, weights, values, and every way to store them; ratios are to dense of the same codes."""
    for role in ROLES:
        weights = [w for w in profile.weights if w.role == role]
        if not weights:
            continue
        table = _Table(role, weights)
        for setting in table.settings:
            members = table.members(setting)
            values = sum(weight.count for weight in members)
            for form in table.forms(setting):
                yield role, len(members), values, table.choice(form, setting, setting)


class _Table:
    """Sizes and SNR of the weights of one role, by way of quantising."""

    def __init__(self, role: str, weights: Sequence[WeightProfile]) -> None:
        self.role = role
        self._weights = weights
        self._bits: dict[Setting, dict[_Form, int]] = {}
        self._snr: dict[Setting, dict[str, float]] = {}
        self._uncoded: set[str] = set()  # what some weights were not measured under
        for weight in weights:
            for packing in weight.packings:
                self._add(weight, packing)

    @property
    def settings(self) -> tuple[Setting, ...]:
        return tuple(self._bits)

    def forms(self, setting: Setting) -> tuple[_Form, ...]:
        return tuple(form for form in self._bits[setting] if form[0] not in self._uncoded)

    def members(self, setting: Setting) -> list[WeightProfile]:
        return [weight for weight in self._weights if weight.name in self._snr[setting]]

    def sweet_spot(self, reference: Setting) -> SweetSpot | None:
        if reference not in self._bits:
            return None
        members = self.members(reference)
        values = sum(weight.count for weight in members)
        allowed = [setting for setting in self._bits if self._keeps(setting, reference)]
        ways = [(form, s) for s in allowed for form in self._bits[s]]

        def smallest(codecs: Sequence[str]) -> Choice:
            some = [way for way in ways if way[0][0] in codecs]
            form, setting = min(some, key=lambda way: self._bits[way[1]][way[0]])
            return self.choice(form, setting, reference)

        return SweetSpot(
            role=self.role,
            weights=len(members),
            values=values,
            bits=reference[0],
            granularity=reference[1],
            snr_db=self._lowest_snr(reference),
            dense=self._bits[reference][DENSE, None] / values,
            packed=smallest(tuple(CODECS)),
            huffman=smallest((PLAIN_HUFFMAN,)),
            smallest_dense=smallest((DENSE,)),
            storage=smallest((STORAGE,)) if STORAGE not in self._uncoded else None,
        )

    def choice(self, form: _Form, setting: Setting, reference: Setting) -> Choice:
        size = self._bits[setting][form]
        return Choice(
            bits=setting[0],
            granularity=setting[1],
            codec=form[0],
            chunk_size=form[1],
            bits_per_weight=size / sum(weight.count for weight in self.members(setting)),
            ratio=self._bits[reference][DENSE, None] / size,
            snr_db=self._lowest_snr(setting),
        )

    def _add(self, weight: WeightProfile, packing: Packing) -> None:
        setting = (packing.bits, packing.granularity)
        sizes = self._bits.setdefault(setting, {})
        first = weight.name not in self._snr.setdefault(setting, {})
        snr = _EXACT if packing.snr_db is None else packing.snr_db
        self._snr[setting][weight.name] = snr
        for codec in (*_NO_CHUNKS, *CODECS):
            if codec in _NO_CHUNKS and not first:  # the same for every chunk size
                continue
            if codec not in packing.bits_per_weight:  # files of earlier versions
                self._uncoded.add(codec)
                continue
            form = (codec, None if codec in _NO_CHUNKS else packing.chunk_size)
            size = round(packing.bits_per_weight[codec] * weight.count)
            sizes[form] = sizes.get(form, 0) + size

    def _keeps(self, setting: Setting, reference: Setting) -> bool:
        """Whether every weight of the reference has at least its SNR under `setting`."""
        needed, given = self._snr[reference], self._snr[setting]
        return given.keys() == needed.keys() and all(given[n] >= snr for n, snr in needed.items())

    def _lowest_snr(self, setting: Setting) -> float | None:
        lowest = min(self._snr[setting].values())
        return None if lowest == _EXACT else lowest
