"""Decoders side by side, cycle by cycle: small cases by hand, large ones by what must hold."""

from __future__ import annotations

import numpy as np
import pytest

from meadow_py.simulator.huffman_hardware import DecoderPort, run_decoders


def test_one_decoder_by_hand() -> None:
    # Cycle 0: nothing there, a word arrives. Cycles 1 to 4: a code of 4 bits each.
    run = run_decoders([[4, 4, 4, 4]], DecoderPort(1, word_bits=4, fifo_bits=8))
    assert (run.start_cycles, run.stall_cycles, run.cycles) == (1, 0, 5)
    assert run.throughput == 1
    assert run.code_bits == run.stored_bits == 16


def test_a_port_half_as_wide_halves_the_pace() -> None:
    # Codes of 8 bits, words of 4: a code every other cycle, the first after two words.
    run = run_decoders([[8] * 5], DecoderPort(1, word_bits=4, fifo_bits=16))
    assert (run.start_cycles, run.stall_cycles, run.cycles) == (2, 4, 11)
    assert run.throughput == pytest.approx(5 / 9)


def test_static_turns_by_hand() -> None:
    """Two decoders, a word of 4 bits a cycle, in turn.

    Words come to A in cycles 0, 2, 4, to B in 1, 3, 5. Both have 4 bits from cycle 2 on; A then
    has code after code of 4, B of 4: a pair every second cycle.
    """
    port = DecoderPort(1, word_bits=4, fifo_bits=8, repartition="static")
    run = run_decoders([[4, 4, 4], [4, 4, 4]], port)
    assert (run.start_cycles, run.stall_cycles, run.cycles) == (2, 2, 7)


def test_turns_that_pass_are_lost_and_demand_uses_them() -> None:
    # A needs 12 words, B 1. In turn, A gets every other one; on demand, all that B does not need.
    lengths = [[4] * 12, [1, 1, 1, 1, *[0] * 8]]
    with pytest.raises(ValueError, match="at least 1 bit"):
        run_decoders(lengths, DecoderPort(1, word_bits=4, fifo_bits=8))
    lengths = [[4] * 12, [1] * 12]
    static = run_decoders(lengths, DecoderPort(1, 4, 8, "static"))
    demand = run_decoders(lengths, DecoderPort(1, 4, 8, "demand"))
    # 12 words to A, one every second cycle from 0 on: the last arrives in cycle 22, used in 23.
    assert static.cycles == 24
    # 12 + 3 words, one a cycle from 0 on: the last arrives in cycle 14, used in 15.
    assert demand.cycles == 16
    # Parts as long as the longest: 2 x 12 words of 4 bits for 60 bits of codes.
    assert static.stored_bits == 96
    assert demand.stored_bits == 60
    assert static.padding == pytest.approx(0.6)


def codes(decoders: int = 16, symbols: int = 400, seed: int = 0) -> np.ndarray:
    share = np.array([0.3, 0.3, 0.2, 0.1, 0.06, 0.04])
    lengths = np.array([1, 2, 3, 4, 8, 12])
    return np.random.default_rng(seed).choice(lengths, (decoders, symbols), p=share)


@pytest.mark.parametrize("repartition", ["static", "demand"])
@pytest.mark.parametrize("ahead", [0, 4])
def test_no_run_is_faster_than_its_port_or_its_decoders(repartition: str, ahead: int) -> None:
    lengths = codes()
    for words in (1, 2, 3, 5, 16):
        run = run_decoders(lengths, DecoderPort(words, 16, 64, repartition, ahead))
        assert run.cycles == run.start_cycles + run.symbols + run.stall_cycles
        assert run.cycles >= run.code_bits / (16 * words)
        assert run.throughput <= 1
    # As wide as words for all: never a wait behind the start.
    assert run.stall_cycles == 0


def test_demand_and_deeper_fifos_never_wait_longer() -> None:
    lengths = codes(16, 600, 1)
    words = int(np.ceil(lengths.mean() * 16 / 16)) + 1
    shallow, deep = (
        run_decoders(lengths, DecoderPort(words, 16, fifo, "static")).cycles for fifo in (32, 128)
    )
    demand = run_decoders(lengths, DecoderPort(words, 16, 32, "demand")).cycles
    assert deep < shallow
    assert demand < shallow


def test_running_ahead_evens_out() -> None:
    lengths = codes(8, 600, 2)
    port = DecoderPort(2, 16, 32, "static")
    tight = run_decoders(lengths, port)
    loose = run_decoders(lengths, DecoderPort(2, 16, 32, "static", ahead=16))
    assert loose.cycles < tight.cycles


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"words_per_cycle": 0}, "words_per_cycle"),
        ({"words_per_cycle": 1, "word_bits": 0}, "word_bits"),
        ({"words_per_cycle": 1, "fifo_bits": 8}, "fifo_bits"),
        ({"words_per_cycle": 1, "repartition": "random"}, "repartition"),
        ({"words_per_cycle": 1, "ahead": -1}, "ahead"),
    ],
)
def test_bad_ports_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DecoderPort(**arguments)


def test_codes_that_no_fifo_always_holds_are_refused() -> None:
    # 14 bits wait for a code of 15, and no word of 16 fits in 29: 30 would do.
    with pytest.raises(ValueError, match="at most 14 bits .* found 15"):
        run_decoders([[15, 15]], DecoderPort(1, 16, 29))
    assert run_decoders([[15, 15]], DecoderPort(1, 16, 30)).cycles > 0
