"""Streams of codes in front of decoders that run side by side: who waits, and for how long.

A decoder delivers one symbol per cycle, whatever its length, if its FIFO holds the symbol's bits.
What varies is what it takes in. The read port of the compressed buffer delivers whole words; which
decoder's word comes next is fixed when the weights are stored. Two ways to store them:

``static``
    Every decoder has its own part of the port's turns (time slots in rotation). Decoders with long
    codes wait for their turns, those with short ones let theirs pass, and all parts are as long as
    the longest.
``demand``
    The words of all decoders are stored in the order in which these will ask for them, which the
    encoder finds by running this same model. No turn is lost while any FIFO has room.

How Huff-LLM repartitions weights, the sources at hand only name ("memory and bandwidth aware
weight repartitioning"); these two are the plain and the best case of this project.
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
    """What stands between the compressed buffer and the decoders.

    Attributes
    ----------
    words_per_cycle : int
        That the buffer's port reads; a decoder takes at most one of them in a cycle.
    word_bits : int
    fifo_bits : int
        Of each decoder.
    repartition : {"static", "demand"}
    ahead : int
        Symbols that a decoder may be ahead of the slowest one, in a FIFO behind it; 0: all deliver
        in the same cycle or none does, as the edge of a systolic array needs it.
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
                f"fifo_bits: expected at least a word of {self.word_bits}, found {self.fifo_bits}"
            )
        if self.repartition not in REPARTITIONS:
            raise ValueError(
                f"repartition: expected one of {', '.join(REPARTITIONS)}, "
                f"found {self.repartition!r}"
            )
        if self.ahead < 0:
            raise ValueError(f"ahead: expected no negative number, found {self.ahead}")


@dataclass(frozen=True)
class DecoderRun:
    """What `run_decoders` found.

    Attributes
    ----------
    decoders, symbols : int
        How many streams, and symbols in each.
    start_cycles : int
        Until every decoder has delivered its first symbol, that cycle not counted.
    stall_cycles : int
        Later ones in which the slowest decoder delivered none.
    cycles : int
        All of them: those two, and one for every symbol.
    code_bits, stored_bits : int
        Of the codes, and with what fills words and equal parts.
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
        """Symbols per decoder and cycle behind the start: 1 without stalls."""
        return self.symbols / (self.cycles - self.start_cycles)

    @property
    def padding(self) -> float:
        """Stored bits that are no codes, per bit of the codes."""
        return self.stored_bits / self.code_bits - 1


def run_decoders(lengths: npt.ArrayLike, port: DecoderPort) -> DecoderRun:
    """Count the cycles of decoders that run side by side, cycle by cycle.

    In a cycle, first every decoder whose FIFO holds its next code delivers a symbol (with
    ``ahead=0`` all or none), then words arrive; they can be used from the next cycle on.

    Parameters
    ----------
    lengths : int array, shape (decoders, symbols)
        Bits of every code, in the order in which the decoder delivers.
    port : DecoderPort

    Raises
    ------
    ValueError
        For no codes, a code without bits, or one longer than a FIFO always can hold: up to
        ``fifo_bits - word_bits + 1`` bits.
    """
    bits = np.asarray(lengths, np.int64)
    if bits.ndim != 2 or not bits.size or bits.min() < 1:
        raise ValueError("lengths: expected an array of decoders x symbols, of at least 1 bit each")
    if bits.max() > port.fifo_bits - port.word_bits + 1:
        raise ValueError(
            f"lengths: a code of {bits.max()} bits; a FIFO of {port.fifo_bits} bits that takes "
            f"words of {port.word_bits} expected at most {port.fifo_bits - port.word_bits + 1}"
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
        """A symbol of every decoder that can."""
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
