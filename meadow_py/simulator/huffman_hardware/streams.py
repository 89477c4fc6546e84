"""Streams of codes that feed parallel decoders: which decoders wait, and for how long.

A decoder delivers one symbol per cycle, whatever the length of its code, if its FIFO holds the
bits. The number of bits that it consumes varies. The read port of the compressed buffer delivers
whole words, and the order of the decoders' words is fixed when the weights are stored. There are
two ways to store them:

``static``
    Every decoder has its own share of the port's turns (time slots in rotation). Decoders with
    long codes wait for their turns, decoders with short codes let theirs pass, and all shares are
    as long as the longest.
``demand``
    The words of all decoders are stored in the order in which the decoders will need them. The
    encoder finds this order by running the same model. No turn is lost while any FIFO has room.

The sources at hand name Huff-LLM's method ("memory and bandwidth aware weight repartitioning") but
do not describe it. These two are this project's simple case and best case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Repartition = Literal["static", "demand"]
REPARTITIONS: tuple[str, ...] = get_args(Repartition)

Levels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DecoderPort:
    """The port and FIFOs between the compressed buffer and the decoders.

    Attributes
    ----------
    words_per_cycle : int
        Words that the buffer's port reads per cycle; a decoder takes at most one of them.
    word_bits : int
        Bits of a word.
    fifo_bits : int
        Bits of each decoder's FIFO.
    repartition : {"static", "demand"}
    ahead : int
        Symbols that a decoder may be ahead of the slowest one, held in a FIFO after it. With 0, all
        decoders deliver in the same cycle or none does, as the edge of a systolic array requires.
    """

    words_per_cycle: int
    word_bits: int = 16
    fifo_bits: int = 64
    repartition: str = "demand"
    ahead: int = 0

    def __post_init__(self) -> None:
        for name in ("words_per_cycle", "word_bits"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, found {value!r}")
        if self.fifo_bits < self.word_bits:
            raise ValueError(
                f"fifo_bits: expected at least the {self.word_bits} bits of a word, found "
                f"{self.fifo_bits}"
            )
        if self.repartition not in REPARTITIONS:
            raise ValueError(
                f"repartition: expected one of {', '.join(REPARTITIONS)}, "
                f"found {self.repartition!r}"
            )
        if self.ahead < 0:
            raise ValueError(f"ahead: expected 0 or more, found {self.ahead}")


@dataclass(frozen=True)
class DecoderRun:
    """The cycles counted by `run_decoders`.

    Attributes
    ----------
    decoders, symbols : int
        Number of streams, and of symbols in each.
    start_cycles : int
        Cycles before the one in which every decoder has delivered its first symbol.
    stall_cycles : int
        Later cycles in which the slowest decoder delivered no symbol.
    cycles : int
        All cycles: the two above, and one for every symbol.
    code_bits, stored_bits : int
        Bits of the codes alone, and with the padding to whole words and equal shares.
    """

    decoders: int
    symbols: int
    start_cycles: int
    stall_cycles: int
    cycles: int
    code_bits: int
    stored_bits: int

    @property
    def throughput(self) -> float:
        """Symbols per decoder and cycle after the start: 1 without stalls."""
        return self.symbols / (self.cycles - self.start_cycles)

    @property
    def padding(self) -> float:
        """Bits of padding per bit of the codes."""
        return self.stored_bits / self.code_bits - 1


def run_decoders(lengths: npt.ArrayLike, port: DecoderPort) -> DecoderRun:
    """Count the cycles of decoders that run side by side, cycle by cycle.

    In each cycle, every decoder whose FIFO holds its next code first delivers a symbol (with
    ``ahead=0``, all do or none does). Then words arrive, which can be used from the next cycle on.

    Parameters
    ----------
    lengths : int array, shape (decoders, symbols)
        Bits of every code, in the order in which the decoder delivers them.
    port : DecoderPort

    Returns
    -------
    DecoderRun

    Raises
    ------
    ValueError
        If there are no codes, or a code has no bits, or more than the ``fifo_bits - word_bits + 1``
        that a FIFO can always hold.
    """
    bits = np.asarray(lengths, np.int64)
    if bits.ndim != 2 or not bits.size or bits.min() < 1:
        raise ValueError("lengths: expected an array [decoders, symbols] of at least 1 bit each")
    if bits.max() > port.fifo_bits - port.word_bits + 1:
        raise ValueError(
            f"lengths: expected codes of at most {port.fifo_bits - port.word_bits + 1} bits for a "
            f"FIFO of {port.fifo_bits} bits and words of {port.word_bits}, found {bits.max()}"
        )
    return _Bench(bits, port).run()


class _Bench:
    """The state of all decoders: bits in FIFOs, words to come, symbols delivered."""

    def __init__(self, bits: Levels, port: DecoderPort) -> None:
        self.port = port
        self.count, self.symbols = bits.shape
        self.bits = np.concatenate([bits, np.zeros((self.count, 1), np.int64)], axis=1)
        self.code_bits = int(bits.sum())
        self.words_left = -(-bits.sum(axis=1) // port.word_bits)
        self.words = self.words_left.copy()
        self.level = np.zeros(self.count, np.int64)
        self.done = np.zeros(self.count, np.int64)
        self.lanes = np.arange(self.count)
        self.slot = 0

    def run(self) -> DecoderRun:
        cycles = start = stalls = slowest = 0
        while slowest < self.symbols:
            self._deliver()
            before, slowest = slowest, int(self.done.min())
            if not slowest:
                start += 1
            elif slowest == before:
                stalls += 1
            self._refill()
            cycles += 1
        return DecoderRun(
            self.count, self.symbols, start, stalls, cycles, self.code_bits, self._stored_bits()
        )

    def _deliver(self) -> None:
        """Deliver a symbol from every decoder that can."""
        need = self.bits[self.lanes, self.done]
        ready = (self.done < self.symbols) & (self.level >= need)
        if not self.port.ahead:
            ready &= bool(ready.all())
        else:
            ready &= self.done - self.done.min() < self.port.ahead
        self.level -= np.where(ready, need, 0)
        self.done += ready

    def _refill(self) -> None:
        room = (self.words_left > 0) & (self.level + self.port.word_bits <= self.port.fifo_bits)
        if self.port.repartition == "static":
            turns = (self.slot + np.arange(self.port.words_per_cycle)) % self.count
            self.slot = (self.slot + self.port.words_per_cycle) % self.count
            served = np.unique(turns)
            served = served[room[served]]
        else:
            order = np.argsort(np.where(room, self.level, np.iinfo(np.int64).max), kind="stable")
            served = order[: min(self.port.words_per_cycle, int(room.sum()))]
        self.level[served] += self.port.word_bits
        self.words_left[served] -= 1

    def _stored_bits(self) -> int:
        if self.port.repartition == "static":
            words = int(self.words.max()) * self.count
        else:
            words = int(self.words.sum())
        return int(words * self.port.word_bits)
