"""One weight under every setting: it is read, quantised, cut into chunks and packed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import ledger
from meadow_py.codecs import CODECS, CodeMatrix, packet_layout
from meadow_py.jobs import Stopwatch
from meadow_py.profiler.blob_coder import BlobCoder, Coded, huffman_tables
from meadow_py.profiler.weight_packing import StoredFloats, WeightPacking
from meadow_py.profiler.weight_profile import ValueDistribution, WeightProfile
from meadow_py.quantizers import Integers, Quantized, QuantizedIntegers, Quantizer, Stored
from meadow_py.spelling import visible

if TYPE_CHECKING:
    from meadow_py._core import StreamInfo
    from meadow_py.codecs import Along
    from meadow_py.profiler.result import ProfileSettings
    from meadow_py.sources import Weight

_CODE_DTYPES = ("I8", "U8")
_BLOCK = 1 << 16  # values widened at a time: they stay in the cache

Advance = Callable[[int, str], None]  # takes the number of values done and the weight's name


def is_codes(dtype: str) -> bool:
    """Whether a stored dtype holds integer codes."""
    return dtype in _CODE_DTYPES


@dataclass(frozen=True)
class _Coded:
    """A weight under one quantiser, and the figures that do not depend on chunks."""

    quantizer: Quantizer
    made: Quantized
    counts: npt.NDArray[np.uint64]  # how often each code occurs
    symbol_floor: float
    blobs: Coded


class _Worker:
    """The settings and tools that every step needs."""

    def __init__(
        self,
        settings: ProfileSettings,
        quantizers: Sequence[Quantizer],
        threads: int,
        clock: Stopwatch,
        advance: Advance,
    ) -> None:
        self.settings = settings
        self.quantizers = quantizers
        self.threads = threads
        self.clock = clock
        self.advance = advance
        self.coder = BlobCoder(threads, settings.verified, clock.check)

    def weight(self, weight: Weight) -> WeightProfile:
        matrix, shown = self._read(weight), visible(weight.name)
        floors, content = self._floors(weight, matrix)
        values = self._values(weight, matrix)
        stored = self._stored(weight.dtype, matrix)
        packings: list[WeightPacking] = []
        for quantizer in self._quantizers_of(weight.dtype):
            coded = self._code(_called(weight), matrix, quantizer)
            if floors["symbol"] is None:
                floors["symbol"] = coded.symbol_floor
            for chunk in self.settings.chunk_sizes:
                packings.append(self._pack(shown, coded, chunk))
                self.advance(matrix.size, shown)
        return WeightProfile(
            name=weight.name,
            role=weight.role,
            layer=weight.layer,
            shape=weight.shape,
            dtype=weight.dtype,
            content_dtype=content,
            floors=floors,
            packings=tuple(packings),
            values=values,
            stored=stored,
        )

    def _quantizers_of(self, dtype: str) -> Sequence[Quantizer]:
        return (Stored(),) if is_codes(dtype) else self.quantizers

    def _read(self, weight: Weight) -> npt.NDArray[Any]:
        with self.clock.stage("read"):
            return np.require(weight.array(), requirements=["C", "A"])

    def _floors(
        self, weight: Weight, matrix: npt.NDArray[Any]
    ) -> tuple[dict[str, float | None], str]:
        with self.clock.stage("floors"):
            dtype, content = weight.dtype, weight.tensor.content_dtype()
            floors = {
                "symbol": None,
                "fields": ledger.fields_floor(matrix, dtype, self.threads),
                "joint": ledger.joint_floor(matrix, dtype, content, self.threads),
            }
        return floors, content

    def _values(self, weight: Weight, matrix: npt.NDArray[Any]) -> ValueDistribution:
        with self.clock.stage("values"):
            if is_codes(weight.dtype):
                return _distribution_of_codes(matrix, self.threads, self.clock.check)
            with _advice():
                coded = Integers().quantize(matrix, _called(weight), self.threads)
            return _distribution_of_floats(matrix, coded, self.threads, self.clock.check)

    def _stored(self, dtype: str, matrix: npt.NDArray[Any]) -> StoredFloats | None:
        from meadow_py.sources.dtypes import FLOATS

        if dtype not in FLOATS:
            return None
        with self.clock.stage("code"):
            return self.coder.floats(matrix, dtype)

    def _code(self, name: str, matrix: npt.NDArray[Any], quantizer: Quantizer) -> _Coded:
        with self.clock.stage("quantise"), _advice():
            made = quantizer.quantize(matrix, name, self.threads)
        _check_size(quantizer, made, matrix, name)
        with self.clock.stage("floors"):
            counts = ledger.symbol_counts(made.codes, quantizer.bits, self.threads)
            floor = ledger.symbol_floor(counts)
        with self.clock.stage("code"):
            blobs = self.coder.codes(made.codes)
        return _Coded(quantizer, made, counts, floor, blobs)

    def _pack(self, name: str, coded: _Coded, chunk: int) -> WeightPacking:
        along: Along = "out" if self.settings.along == "out" else "in"
        matrix = CodeMatrix(
            coded.made.codes, coded.quantizer.bits, chunk, along, self.threads, name
        )
        with self.clock.stage("unique"):
            chunks = matrix.chunks
        infos: dict[str, StreamInfo] = {}
        for codec in CODECS.values():
            with self.clock.stage("pack"):
                infos[codec.name] = codec.measure(matrix, self.settings.verified)
        with self.clock.stage("floors"):
            chunk_floor = ledger.chunk_floor(chunks, coded.made.codes.size)
        return _packing(coded, matrix, infos, chunk_floor)


def profile_weight(
    weight: Weight,
    settings: ProfileSettings,
    quantizers: Sequence[Quantizer],
    threads: int,
    clock: Stopwatch,
    advance: Advance,
) -> WeightProfile:
    """Profile one weight; see `profile`.

    `advance` is called after every packing with the number of values and the weight's name.
    """
    return _Worker(settings, quantizers, threads, clock, advance).weight(weight)


@contextmanager
def _advice() -> Iterator[None]:
    """Adds advice to the error of a weight that holds NaN or infinity."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"{error}; repair the weight, or leave it out by naming other roles (--role, roles=...)"
        ) from error


def _check_size(quantizer: Quantizer, made: Quantized, matrix: npt.NDArray[Any], name: str) -> None:
    """Raise RuntimeError if the sizes are wrong, which is a bug of the quantiser."""
    expected = (matrix.shape, quantizer.alphabet, quantizer.side_bits(made.shape))
    found = (made.codes.shape, made.alphabet, made.side_bits)
    if found != expected:
        raise RuntimeError(
            f"{name}: quantizer {quantizer.key}: expected shape, alphabet and bits of side "
            f"information {expected}, found {found}"
        )


def _called(weight: Weight) -> str:
    """The name of a weight in error messages, with its file if it has one."""
    file = weight.tensor.file
    return visible(weight.name if file is None else f"{file}: {weight.name}")


def _packing(
    coded: _Coded, matrix: CodeMatrix, infos: dict[str, StreamInfo], chunk_floor: float
) -> WeightPacking:
    quantizer, made = coded.quantizer, coded.made
    chunks, count = matrix.chunks, made.codes.size
    beside = (made.scale_bits, made.zero_point_bits)
    ledgers = {"dense": ledger.dense_ledger(count, quantizer.bits, *beside)}
    ledgers |= {name: ledger.stream_ledger(info, *beside) for name, info in infos.items()}
    ledgers["plain_huffman"] = ledger.plain_huffman_ledger(coded.counts, *beside)
    ledgers |= {name: ledger.blob_ledger(info, *beside) for name, info in coded.blobs.items()}
    stored = {name: book.per_weight(count) for name, book in ledgers.items()}
    return WeightPacking(
        quantizer=quantizer.key,
        bits=quantizer.bits,
        granularity=quantizer.granularity,
        chunk_size=matrix.chunk,
        unique_chunks=chunks.unique,
        reduction_ratio=chunks.count / chunks.unique,
        # An infinite ratio means that nothing was lost; see WeightPacking.snr_db.
        snr_db=None if made.snr_db == math.inf else made.snr_db,
        packet=packet_layout(infos),
        bits_per_weight={
            "dense": stored.pop("dense"),
            "floor_symbol": coded.symbol_floor,
            "floor_chunk": chunk_floor,
            "index_only": ledger.index_only(chunks, count),
            **stored,
            "scales": sum(beside) / count,
        },
        ledgers=ledgers,
        growth=tuple(chunks.growth()),
        huffman=next(iter(huffman_tables(coded.blobs["huffman"], quantizer.bits)), None),
        storage_coding=coded.blobs["storage"].codec,
    )


def _distribution_of_floats(
    matrix: npt.NDArray[Any], coded: QuantizedIntegers, threads: int, check: Callable[[], None]
) -> ValueDistribution:
    """The distribution of floating-point numbers, from their symmetric INT8 codes under one scale.

    `check` is called for every block, and may raise to end the work.
    """
    counts = ledger.symbol_counts(coded.codes, 8, threads)
    step = float(coded.scales[0, 0])
    return _distribution(matrix, -127, step, np.roll(counts, 127)[:255], check)


def _distribution_of_codes(
    matrix: npt.NDArray[Any], threads: int, check: Callable[[], None]
) -> ValueDistribution:
    """The distribution of a weight that is stored as 8-bit integers."""
    counts = ledger.symbol_counts(matrix, 8, threads)
    if matrix.dtype.kind == "i":
        return _distribution(matrix, -128, 1.0, np.roll(counts, 128), check)
    return _distribution(matrix, 0, 1.0, counts, check)


def _distribution(
    matrix: npt.NDArray[Any],
    first: int,
    step: float,
    counts: npt.NDArray[np.uint64],
    check: Callable[[], None],
) -> ValueDistribution:
    parts = [(block.sum(), block.min(), block.max()) for block in _blocks(matrix, check)]
    sums, lows, highs = (np.array(column) for column in zip(*parts, strict=True))
    mean = float(sums.sum()) / matrix.size
    # Not np.dot: on blocks of this size its threads cost more than they save.
    squares = sum(float(np.square(block - mean).sum()) for block in _blocks(matrix, check))
    return ValueDistribution(
        low=float(lows.min()),
        high=float(highs.max()),
        mean=mean,
        std=float(np.sqrt(squares / matrix.size)),
        first=first,
        step=step,
        counts=tuple(counts.tolist()),
    )


def _blocks(
    matrix: npt.NDArray[Any], check: Callable[[], None]
) -> Iterator[npt.NDArray[np.float64]]:
    flat = matrix.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        check()
        yield flat[begin : begin + _BLOCK].astype(np.float64)
