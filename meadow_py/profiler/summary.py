"""The summary of a profile: figures over many weights, whose bits are added up first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from meadow_py.architectures import ROLES
from meadow_py.codecs import CODECS
from meadow_py.ledger import Ledger
from meadow_py.names import moved
from meadow_py.profiler.weight_packing import WeightPacking
from meadow_py.profiler.weight_profile import WeightProfile

BUFFER_SHARES = (50, 95, 100)  # percent of the weights
# The least SNR in decibels at which a choice may be called a sweet spot: what the best quantiser of
# 3 bits leaves of normally distributed weights (Max, "Quantizing for minimum distortion", IRE
# Transactions on Information Theory 6, 1960, table I: an error of 0.03454). Quantisers that keep
# models working without training have 3 bits or more; the best one of 2 bits leaves 9.3 dB.
WORKING_SNR_DB = 14.6


def keeps_working(snr_db: float | None) -> bool:
    """Whether weights of this SNR may still make a working model; None stands for no loss."""
    return snr_db is None or snr_db >= WORKING_SNR_DB


@dataclass(frozen=True)
class SmallestPacking:
    """One codec and chunk size, used for all weights of a group.

    Attributes
    ----------
    codec : str
    chunk_size : int
    bits_per_weight : float
        Everything counted.
    ratio : float
        How many times smaller than dense; below 1, the packing is larger.
    index_only_ratio : float or None
        The same for indices and scales alone, dictionary not counted; None where there is only one
        distinct chunk, so that indices take no bits.
    """

    codec: str
    chunk_size: int
    bits_per_weight: float
    ratio: float
    index_only_ratio: float | None


@dataclass(frozen=True)
class Group:
    """Several weights under one quantiser, added up.

    Attributes
    ----------
    label : str
        A role, a weight's name, or ``all``.
    weights, values : int
        Number of matrices, and of values in them.
    dense, scales, floor_symbol, plain_huffman : float
        Bits per weight; `dense` and `plain_huffman` include `scales`, the floor does not.
    huffman, storage : float or None
        Bits per weight under Huffman and the storage codec, in blobs that were really made, scales
        included; None in files of earlier versions.
    best : SmallestPacking
        The smallest packing.
    expanding : int
        Number of weights that no packing makes smaller than dense.
    snr_db : float or None
        The lowest SNR of the weights, in decibels; None where quantising lost nothing.
    """

    label: str
    weights: int
    values: int
    dense: float
    scales: float
    floor_symbol: float
    plain_huffman: float
    huffman: float | None
    storage: float | None
    best: SmallestPacking
    expanding: int
    snr_db: float | None

    @property
    def sweet_spot(self) -> SmallestPacking | None:
        """The best packing; None where it is not the smallest, or where the SNR is below 14.6 dB.

        Dense and a Huffman code of single codes compete with it.
        """
        return self.best if self.is_packing_smallest and keeps_working(self.snr_db) else None

    @property
    def is_packing_smallest(self) -> bool:
        """Whether `best` is smaller than dense and than a Huffman code of single codes."""
        return self.best.bits_per_weight < min(self.dense, self.plain_huffman)

    @property
    def smallest(self) -> tuple[str, float]:
        """Name and bits per weight of the smallest form that was made.

        The name is ``dense``, the codec of `best`, ``huffman`` or ``storage``.
        """
        sizes = {"dense": self.dense, self.best.codec: self.best.bits_per_weight}
        coded = {"huffman": self.huffman, "storage": self.storage}
        sizes |= {name: size for name, size in coded.items() if size is not None}
        return min(sizes.items(), key=lambda item: item[1])


@dataclass(frozen=True)
class ChunkRow:
    """All weights under one quantiser and chunk size.

    Attributes
    ----------
    chunk_size : int
    reduction_ratio : float
        Chunks per distinct chunk, over all weights.
    ratios : dict of str to float
        Dense size over packed size under each codec, everything counted.
    index_only_ratio : float or None
        See `SmallestPacking`.
    buffers : tuple of int
        Sizes in bytes of a buffer that holds one dictionary at a time, large enough for 50, 95 and
        100 % of the weights; see `BUFFER_SHARES`.
    """

    chunk_size: int
    reduction_ratio: float
    ratios: dict[str, float]
    index_only_ratio: float | None
    buffers: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """Figures of one quantiser: by role, by weight, in total, and by chunk size."""

    quantizer: str
    bits: int
    granularity: str | None
    roles: tuple[Group, ...]
    weights: tuple[Group, ...]
    total: Group
    chunks: tuple[ChunkRow, ...]


@dataclass(frozen=True)
class StoredDtype:
    """The profiled weights that are stored as one dtype.

    Attributes
    ----------
    dtype, content_dtype : str
        The stored dtype, and the narrowest one that holds the values.
    values : int
        Number of values.
    fields, joint : float or None
        Floors of the stored floats, in bits per weight.
    bits : int or None
        Bits of a stored value. Like `huffman` and `storage`, None for other dtypes than floats, and
        in files of earlier versions.
    huffman, storage : float or None
        Bits per weight of the stored floats under Huffman and the storage codec.
    storage_tables : float or None
        Bits per weight of `storage` that are tables, scales, headers and indices.
    """

    dtype: str
    content_dtype: str
    values: int
    fields: float | None
    joint: float | None
    bits: int | None
    huffman: float | None
    storage: float | None
    storage_tables: float | None


def sections(weights: Sequence[WeightProfile]) -> tuple[Section, ...]:
    """One section per quantiser, in the order of the run."""
    keys = dict.fromkeys(p.quantizer for w in weights for p in w.packings)
    return tuple(_section(weights, key) for key in keys)


def stored_dtypes(weights: Sequence[WeightProfile]) -> tuple[StoredDtype, ...]:
    """The dtypes of the profiled weights, the one with the most values first."""
    members: dict[tuple[str, str], list[WeightProfile]] = {}
    for weight in weights:
        members.setdefault((weight.dtype, weight.content_dtype), []).append(weight)
    stored = [
        StoredDtype(
            *dtypes,
            values=sum(weight.count for weight in some),
            fields=_mean_floor(some, "fields"),
            joint=_mean_floor(some, "joint"),
            bits=None if some[0].stored is None else some[0].stored.bits,
            huffman=_mean_stored(some, "huffman"),
            storage=_mean_stored(some, "storage"),
            storage_tables=_mean_stored(some, "storage", lambda book: book.total - book.codes),
        )
        for dtypes, some in members.items()
    ]
    return tuple(sorted(stored, key=lambda entry: -entry.values))


@dataclass(frozen=True)
class _Slice:
    """A weight and its packings under one quantiser, one per chunk size."""

    weight: WeightProfile
    packings: tuple[WeightPacking, ...]

    @property
    def first(self) -> WeightPacking:
        return self.packings[0]


def packings_of(weight: WeightProfile, quantizer: str) -> tuple[WeightPacking, ...]:
    """The packings of a weight under the quantiser of this key, one per chunk size."""
    return tuple(p for p in weight.packings if p.quantizer == quantizer)


def _section(weights: Sequence[WeightProfile], quantizer: str) -> Section:
    slices = [_Slice(w, packings_of(w, quantizer)) for w in weights]
    slices = [part for part in slices if part.packings]
    by_role = {role: [s for s in slices if s.weight.role == role] for role in ROLES}
    return Section(
        quantizer=quantizer,
        bits=slices[0].first.bits,
        granularity=slices[0].first.granularity,
        roles=tuple(_group(role, members) for role, members in by_role.items() if members),
        weights=tuple(_group(part.weight.name, [part]) for part in slices),
        total=_group("all", slices),
        chunks=tuple(_chunk_row(slices, n) for n in range(len(slices[0].packings))),
    )


def _group(label: str, slices: Sequence[_Slice]) -> Group:
    values = sum(part.weight.count for part in slices)
    ratios = [part.first.snr_db for part in slices if part.first.snr_db is not None]
    return Group(
        label=label,
        weights=len(slices),
        values=values,
        dense=_total_bits(slices, "dense", 0) / values,
        scales=_mean(slices, "scales", 0),
        floor_symbol=_mean(slices, "floor_symbol", 0),
        plain_huffman=_mean(slices, "plain_huffman", 0),
        huffman=_coded(slices, "huffman"),
        storage=_coded(slices, "storage"),
        best=_best(slices),
        expanding=sum(_best([part]).ratio <= 1 for part in slices),
        snr_db=min(ratios, default=None),
    )


def _best(slices: Sequence[_Slice]) -> SmallestPacking:
    """The codec and chunk size under which all `slices` together are smallest."""
    sizes = {
        (codec, n): _total_bits(slices, codec, n)
        for n in range(len(slices[0].packings))
        for codec in CODECS
    }
    codec, n = min(sizes, key=lambda key: sizes[key])
    values = sum(part.weight.count for part in slices)
    return SmallestPacking(
        codec=codec,
        chunk_size=slices[0].packings[n].chunk_size,
        bits_per_weight=sizes[codec, n] / values,
        ratio=_total_bits(slices, "dense", n) / sizes[codec, n],
        index_only_ratio=_index_only_ratio(slices, n),
    )


def _chunk_row(slices: Sequence[_Slice], n: int) -> ChunkRow:
    dense = _total_bits(slices, "dense", n)
    rows = [part.packings[n] for part in slices]
    chunks = sum(round(p.reduction_ratio * p.unique_chunks) for p in rows)
    return ChunkRow(
        chunk_size=rows[0].chunk_size,
        reduction_ratio=chunks / sum(p.unique_chunks for p in rows),
        ratios={codec: dense / _total_bits(slices, codec, n) for codec in CODECS},
        index_only_ratio=_index_only_ratio(slices, n),
        buffers=buffer_sizes([p.dictionary_bytes for p in rows]),
    )


def buffer_sizes(dictionaries: Sequence[int]) -> tuple[int, ...]:
    """The smallest sizes that hold at least `BUFFER_SHARES` percent of `dictionaries`."""
    ordered = sorted(dictionaries)
    return tuple(ordered[-(-len(ordered) * share // 100) - 1] for share in BUFFER_SHARES)


def _index_only_ratio(slices: Sequence[_Slice], n: int) -> float | None:
    values = sum(part.weight.count for part in slices)
    alone = _mean(slices, "index_only", n) + _mean(slices, "scales", n)
    if _mean(slices, "index_only", n) == 0:
        return None
    return _total_bits(slices, "dense", n) / (alone * values)


def _coded(slices: Sequence[_Slice], name: str) -> float | None:
    """Bits per weight under an entropy coder; None unless all `slices` were coded by it."""
    if not all(name in part.first.ledgers for part in slices):
        return None
    return _total_bits(slices, name, 0) / sum(part.weight.count for part in slices)


def _total_bits(slices: Sequence[_Slice], name: str, n: int) -> int:
    return sum(part.packings[n].ledgers[name].total for part in slices)


def _mean(slices: Sequence[_Slice], key: str, n: int) -> float:
    """Weighted by the number of values."""
    values = sum(part.weight.count for part in slices)
    bits = sum(part.packings[n].bits_per_weight[key] * part.weight.count for part in slices)
    return bits / values


def _mean_floor(weights: Sequence[WeightProfile], key: str) -> float | None:
    floors = [(weight.floors[key], weight.count) for weight in weights]
    known = [(floor, count) for floor, count in floors if floor is not None]
    if len(known) < len(floors):
        return None
    return sum(floor * count for floor, count in known) / sum(count for _, count in known)


def _mean_stored(
    weights: Sequence[WeightProfile],
    name: str,
    bits: Callable[[Ledger], int] = lambda book: book.total,
) -> float | None:
    stored = [bits(weight.stored.ledgers[name]) for weight in weights if weight.stored is not None]
    if len(stored) < len(weights):
        return None
    return sum(stored) / sum(weight.count for weight in weights)


__getattr__ = moved(__name__, {"Candidate": f"{__name__}.SmallestPacking"}, "is now called {now}")
