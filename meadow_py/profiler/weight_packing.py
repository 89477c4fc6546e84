"""One weight under one quantiser and chunk size, and its stored floats under the entropy coders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from meadow_py import quantizers
from meadow_py.codecs import CODECS, CODERS, MAX_CHUNK, MIN_CHUNK, PacketLayout
from meadow_py.ledger import Ledger
from meadow_py.records import LARGEST, AtLeastOne, Range, RecordError, Size

_FIGURES = ("dense", "floor_symbol", "floor_chunk", "index_only", "scales", *CODECS)

Bits = Annotated[int, Range(least=1, most=8)]
Figure = Annotated[float, Range(least=0, most=LARGEST)]  # bits per weight


@dataclass(frozen=True)
class HuffmanTable:
    """What a decoder of one canonical Huffman code needs in hardware.

    Attributes
    ----------
    symbol_bits : int
        Bits of a decoded symbol.
    entries : int
        Number of symbols that have a code.
    longest : int
        Bits of the longest code, at most 12.
    table_bits : int
        Memory of a canonical decoder, in bits: ``entries * symbol_bits`` for the symbols in order
        of their codes; and for every length from 1 to `longest` the first code (`longest` bits)
        and the number of codes (0 to `entries`). See ``docs/accounting.md``.
    streams : int
        Number of independent streams in a tile, and so of decoders that can work in parallel.
    """

    symbol_bits: Bits
    entries: AtLeastOne
    longest: AtLeastOne
    table_bits: Size
    streams: Size


@dataclass(frozen=True)
class StoredFloats:
    """A weight of floating-point numbers as stored, under the entropy coders.

    Attributes
    ----------
    bits : int
        Bits of a stored value; the baseline of ratios.
    bits_per_weight : dict of str to float
        ``huffman`` (Huff-LLM's bit groups, one code each) and ``storage`` (the storage codec),
        everything counted.
    floors : dict of str to float
        Lower bounds for any coder of the same symbols, in bits per weight, without tables and
        scales. For ``huffman``: the entropies of the bit groups, added up. For ``storage``: the
        same with exponents taken relative to the scales of rows and columns, which may lie below
        the floor ``fields``.
    ledgers : dict of str to Ledger
        Where every bit of these two goes.
    coding : str
        The codings that the storage codec chose for the planes, such as ``huffman+raw``.
    huffman : tuple of HuffmanTable
        Tables of ``huffman``: one for every bit group that has a code, the highest bits first.
    """

    bits: Annotated[int, Range(least=1, most=64)]
    bits_per_weight: dict[str, Figure]
    floors: dict[str, Figure]
    ledgers: dict[str, Ledger]
    coding: str
    huffman: tuple[HuffmanTable, ...]

    def check_record(self) -> None:
        """Raise RecordError if a figure is missing or impossible."""
        require_keys("bits_per_weight", self.bits_per_weight, CODERS)
        require_keys("floors", self.floors, CODERS)
        require_keys("ledgers", self.ledgers, CODERS)
        _check_ledgers(self.ledgers, self.bits_per_weight)


@dataclass(frozen=True)
class WeightPacking:
    """One weight under one quantiser and chunk size, packed by every codec.

    Attributes
    ----------
    quantizer : str
        Key of the quantiser, such as ``int8:row``; ``stored`` for weights that are stored as
        integer codes.
    bits : int
        Bits per code.
    granularity : str or None
        Which numbers share a scale: ``tensor``, ``row`` or ``group:128``; ``stored`` for weights
        that are stored as integer codes; None for a quantiser that none of these describes.
    chunk_size : int
        Codes per chunk.
    unique_chunks : int
        Number of distinct chunks: the size of the dictionary.
    reduction_ratio : float
        Chunks per distinct chunk.
    snr_db : float or None
        Signal-to-noise ratio of quantising in decibels; None where quantising lost nothing.
    packet : PacketLayout
        Layout of the re-indexed packets.
    bits_per_weight : dict of str to float
        With everything counted, scales and zero points included: ``dense``; the codecs ``naive``,
        ``packets`` and ``reindexed``; ``plain_huffman``, a Huffman code of single codes with its
        table (computed; no stream is made); and ``huffman`` and ``storage``, blobs of the codes
        under a Huffman code and under the storage codec, the same for every chunk size. Without
        scales: the entropies ``floor_symbol`` and ``floor_chunk``, and ``index_only``, the indices
        without the dictionary. Alone: ``scales``, the scales and zero points. Files of earlier
        versions lack ``huffman`` and ``storage``.
    ledgers : dict of str to Ledger
        Where every bit of ``dense``, of each codec and of the blobs goes.
    growth : tuple of (int, int)
        Number of chunks read so far and of distinct chunks among them, at up to 16 evenly spaced
        places in reading order; the last is the end of the weight. Empty in files of earlier
        versions.
    huffman : HuffmanTable or None
        The decoder of ``huffman``; None where no code saves anything (a single symbol, or equally
        frequent ones), and in files of earlier versions.
    storage_coding : str or None
        The coding that the storage codec chose: ``rans``, ``huffman``, ``raw`` or ``constant``;
        None in files of earlier versions.
    """

    quantizer: str
    bits: Bits
    granularity: str | None
    chunk_size: Annotated[int, Range(least=MIN_CHUNK, most=MAX_CHUNK)]
    unique_chunks: AtLeastOne
    reduction_ratio: Annotated[float, Range(least=1, most=LARGEST)]
    snr_db: float | None
    packet: PacketLayout
    bits_per_weight: dict[str, Figure]
    ledgers: dict[str, Ledger]
    growth: tuple[tuple[Size, Size], ...] = ()
    huffman: HuffmanTable | None = None
    storage_coding: str | None = None

    @property
    def dictionary_bytes(self) -> int:
        """Bytes of a buffer for the dictionary: the distinct chunks, unpadded, in whole bytes."""
        return (self.unique_chunks * self.chunk_size * self.bits + 7) // 8

    def check_record(self) -> None:
        """Raise RecordError if a figure is missing, or contradicts another one."""
        self._check_quantizer()
        require_keys("bits_per_weight", self.bits_per_weight, _FIGURES)
        require_keys("ledgers", self.ledgers, ("dense", *CODECS))
        _check_ledgers(self.ledgers, self.bits_per_weight)

    def _check_quantizer(self) -> None:
        """Unknown keys pass: they may come from a later version."""
        known = quantizers.find(self.quantizer)
        if known is None:
            return
        for field in ("bits", "granularity"):
            expected, found = getattr(known, field), getattr(self, field)
            if found != expected:
                raise RecordError(
                    f"must be {expected!r} under the quantizer {self.quantizer!r}, not {found!r}",
                    field,
                )
        if self.quantizer != known.key:
            raise RecordError(f"must be spelled {known.key!r}, not {self.quantizer!r}", "quantizer")


def require_keys(name: str, found: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raise RecordError if the field `name`, which holds `found`, lacks one of `keys`."""
    for key in keys:
        if key not in found:
            raise RecordError(f"must have the key {key!r}, which is missing", name)


def _check_ledgers(ledgers: Mapping[str, Ledger], figures: Mapping[str, float]) -> None:
    for codec, ledger in ledgers.items():
        if ledger.total == 0:
            raise RecordError("must add up to at least one bit, not 0", f"ledgers.{codec}")
        if codec not in figures:
            raise RecordError(
                f"must be one of the keys of bits_per_weight ({', '.join(figures)}), not {codec!r}",
                f"ledgers.{codec}",
            )
        if figures[codec] <= 0:
            raise RecordError(
                f"must be a number above 0, not {figures[codec]!r}", f"bits_per_weight.{codec}"
            )


def completed_packing(data: Any, symmetric: bool | None) -> Any:
    """The JSON types of a packing, with the keys that files of earlier versions lack."""
    if not isinstance(data, dict):
        return data
    data = dict(data)
    if "quantizer" not in data:
        granularity = data.get("granularity")
        key = quantizers.integers_key(data.get("bits", 0), granularity, symmetric is not False)
        data["quantizer"] = granularity if granularity == quantizers.STORED else key
    figures = data.get("bits_per_weight")
    if isinstance(figures, dict) and "plain_huffman" not in figures:
        # Files older than plain Huffman have its lower bound instead.
        parts: list[Any] = [figures.get("floor_symbol"), figures.get("scales")]
        if all(isinstance(part, int | float) and part < LARGEST for part in parts):
            data["bits_per_weight"] = {**figures, "plain_huffman": sum(parts)}
    return data
