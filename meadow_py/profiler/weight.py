"""One weight under every setting: read, quantise, cut in chunks, pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import ledger
from meadow_py.codecs import CODECS, CodeMatrix
from meadow_py.jobs import Stopwatch
from meadow_py.profiler import distribution
from meadow_py.profiler.coded import StoredFloats
from meadow_py.profiler.coding import Coded, Coding, huffman_tables
from meadow_py.profiler.result import (
    PacketLayout,
    Packing,
    Settings,
    ValueDistribution,
    WeightProfile,
)
from meadow_py.quantize import Quantized, quantize
from meadow_py.spelling import visible

if TYPE_CHECKING:
    from meadow_py._core import StreamInfo
    from meadow_py.codecs import Along
    from meadow_py.sources import Weight

STORED = "stored"  # the granularity of weights that are codes already
_CODE_DTYPES = ("I8", "U8")

Advance = Callable[[int, str], None]  # told how many values of which weight are done


def is_codes(dtype: str) -> bool:
    """Whether a stored dtype is that of integer codes."""
    return dtype in _CODE_DTYPES


@dataclass(frozen=True)
class _Coded:
    """Codes of a weight under one setting, and what is stored beside them."""

    codes: npt.NDArray[Any]
    bits: int
    granularity: str
    snr_db: float | None
    scale_bits: int
    zero_point_bits: int
    counts: npt.NDArray[np.uint64]  # of each code
    symbol_floor: float
    blobs: Coded


class _Worker:
    """The settings and tools that every step of a weight needs."""

    def __init__(
        self,
        settings: Settings,
        threads: int,
        clock: Stopwatch,
        advance: Advance,
    ) -> None:
        self.settings = settings
        self.threads = threads
        self.clock = clock
        self.advance = advance
        self.coding = Coding(threads, settings.verified, clock.check)

    def weight(self, weight: Weight) -> WeightProfile:
        matrix, shown = self._read(weight), visible(weight.name)
        floors, content = self._floors(weight, matrix)
        values = self._values(weight, matrix)
        stored = self._stored(weight.dtype, matrix)
        packings: list[Packing] = []
        for bits, granularity in self._codings(weight.dtype):
            coded = self._code(_called(weight), matrix, bits, granularity)
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

    def _codings(self, dtype: str) -> list[tuple[int, str]]:
        if is_codes(dtype):
            return [(8, STORED)]
        return [(b, g) for b in self.settings.bits for g in self.settings.granularity]

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
                return distribution.of_codes(matrix, self.threads, self.clock.check)
            coded = self._quantize(_called(weight), matrix, 8, "tensor", symmetric=True)
            return distribution.of_floats(matrix, coded, self.threads, self.clock.check)

    def _stored(self, dtype: str, matrix: npt.NDArray[Any]) -> StoredFloats | None:
        from meadow_py.sources.dtypes import FLOATS

        if dtype not in FLOATS:
            return None
        with self.clock.stage("code"):
            return self.coding.floats(matrix, dtype)

    def _code(self, name: str, matrix: npt.NDArray[Any], bits: int, granularity: str) -> _Coded:
        if granularity == STORED:
            return self._coded(matrix, bits, STORED)
        with self.clock.stage("quantise"):
            made = self._quantize(name, matrix, bits, granularity, self.settings.symmetric)
        # No finite ratio means that nothing was lost; see Packing.snr_db.
        snr = None if made.snr_db is None or made.snr_db == float("inf") else made.snr_db
        beside = (made.scale_bits, made.zero_point_bits)
        return self._coded(made.codes, bits, granularity, snr, *beside)

    def _quantize(
        self, name: str, matrix: npt.NDArray[Any], bits: int, granularity: str, symmetric: bool
    ) -> Quantized:
        try:
            return quantize(matrix, bits, symmetric, granularity, name, self.threads)
        except ValueError as error:  # NaN or infinity
            raise ValueError(
                f"{error}; repair the weight, or leave it out by naming other roles (--role, "
                "roles=...)"
            ) from error

    def _coded(
        self,
        codes: npt.NDArray[Any],
        bits: int,
        granularity: str,
        snr: float | None = None,
        scale_bits: int = 0,
        zero_point_bits: int = 0,
    ) -> _Coded:
        with self.clock.stage("floors"):
            counts = ledger.symbol_counts(codes, bits, self.threads)
            floor = ledger.symbol_floor(counts)
        with self.clock.stage("code"):
            made = self.coding.codes(codes)
        beside = (scale_bits, zero_point_bits)
        return _Coded(codes, bits, granularity, snr, *beside, counts, floor, made)

    def _pack(self, name: str, coded: _Coded, chunk: int) -> Packing:
        along: Along = "out" if self.settings.along == "out" else "in"
        matrix = CodeMatrix(coded.codes, coded.bits, chunk, along, self.threads, name)
        with self.clock.stage("unique"):
            chunks = matrix.chunks
        infos: dict[str, StreamInfo] = {}
        for codec in CODECS.values():
            with self.clock.stage("pack"):
                infos[codec.name] = codec.measure(matrix, self.settings.verified)
        with self.clock.stage("floors"):
            chunk_floor = ledger.chunk_floor(chunks, coded.codes.size)
        return _packing(coded, matrix, infos, chunk_floor)


def profile_weight(
    weight: Weight,
    settings: Settings,
    threads: int,
    clock: Stopwatch,
    advance: Advance,
) -> WeightProfile:
    """Profile one weight; see `profile`.

    `advance` is called after every setting, with the number of values and the weight's name.
    """
    return _Worker(settings, threads, clock, advance).weight(weight)


def _called(weight: Weight) -> str:
    """What messages call a weight: its file, where it has one, and its name."""
    file = weight.tensor.file
    return visible(weight.name if file is None else f"{file}: {weight.name}")


def _packing(
    coded: _Coded, matrix: CodeMatrix, infos: dict[str, StreamInfo], chunk_floor: float
) -> Packing:
    chunks, count = matrix.chunks, coded.codes.size
    beside = (coded.scale_bits, coded.zero_point_bits)
    ledgers = {"dense": ledger.dense_ledger(count, coded.bits, *beside)}
    ledgers |= {name: ledger.stream_ledger(info, *beside) for name, info in infos.items()}
    ledgers["plain_huffman"] = ledger.plain_huffman_ledger(coded.counts, *beside)
    ledgers |= {name: ledger.blob_ledger(info, *beside) for name, info in coded.blobs.items()}
    stored = {name: book.per_weight(count) for name, book in ledgers.items()}
    best = infos["reindexed"]
    return Packing(
        bits=coded.bits,
        granularity=coded.granularity,
        chunk_size=matrix.chunk,
        unique_chunks=chunks.unique,
        reduction_ratio=chunks.count / chunks.unique,
        snr_db=coded.snr_db,
        packet=PacketLayout(best["packet_length"], best["mode_bits"], tuple(best["widths"])),
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
        huffman=next(iter(huffman_tables(coded.blobs["huffman"], coded.bits)), None),
        storage_coding=coded.blobs["storage"].codec,
    )
