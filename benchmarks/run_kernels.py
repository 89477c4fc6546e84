"""One process of `run.py`'s kernel table: products with one vector, weights in memory.

Forms are multiplied in turn, each round reads the bandwidth too (eight streams a thread, the same
kind of pages), and results are compared bit for bit. Prints JSON.
"""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from common import test_data

from meadow_py import _core
from meadow_py.dispatch import open_checkpoint
from meadow_py.measure.memory import anonymous
from meadow_py.quantizers import quantize

COLUMNS = 4096
REAL_WEIGHTS = ("gpt2-attention", "gpt-neo-125m-attention")
CACHED_ROWS = 512  # 4 MiB of BF16, 3 MiB packed: on two cores, within most second-level caches

Bits = npt.NDArray[np.uint16]


def drawn_bf16(rows: int) -> Bits:
    """BF16 with the exponents of trained weights: Gaussian columns of different scale."""
    random = np.random.default_rng(7)
    scales = 0.02 * np.exp2(0.25 * random.standard_normal(COLUMNS)).astype(np.float32)
    values = random.standard_normal((min(rows, 1024), COLUMNS), np.float32) * scales
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    memory = anonymous(rows * COLUMNS * 2, "huge").view(np.uint16).reshape(rows, COLUMNS)
    for begin in range(0, rows, len(bits)):
        memory[begin : begin + len(bits)] = bits[: rows - begin]
    return memory


def real_codes(nbytes: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Codes `[out, 768]` of all shared real weights, one scale per tensor, over and over.

    The scale stands with every row: rows of all tensors are one matrix.
    """
    codes, scales = [], []
    for folder in REAL_WEIGHTS:
        with open_checkpoint(str(test_data() / "weights" / folder)) as checkpoint:
            for weight in (w for w in checkpoint.weights if w.shape == (768, 768)):
                made = quantize(weight.array(), bits=8, granularity="tensor")
                codes.append(np.asarray(made.codes, np.int8))
                scales.append(np.full(768, made.scales.ravel()[0], np.float32))
    once = np.concatenate(codes)
    times = -(-nbytes // once.size)
    return np.tile(once, (times, 1)), np.tile(np.concatenate(scales), times)


def timed_in_turn(forms: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call; the first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        for name, call in forms.items():
            start = time.perf_counter()
            call()
            if turn > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def products(matrices: Mapping[str, Any], threads: int, rounds: int) -> dict[str, Any]:
    """Every matrix with the same vector, and plain reading, in turn."""
    first = next(iter(matrices.values()))
    x = np.random.default_rng(3).standard_normal((1, first.columns)).astype(np.float32)
    expected = first.multiply(x, threads)
    for name, matrix in matrices.items():
        same = np.array_equal(matrix.multiply(x, threads).view(np.uint32), expected.view(np.uint32))
        assert same, f"{name}: another result than {next(iter(matrices))}"
    memory = anonymous(first.nbytes, "huge")
    calls: dict[str, Callable[[], object]] = {"read": lambda: _core.read_stream(memory, threads)}
    for name, matrix in matrices.items():
        calls[name] = functools.partial(matrix.multiply, x, threads)
    seconds = {n: statistics.median(s) for n, s in timed_in_turn(calls, rounds).items()}
    sizes = {"read": memory.nbytes} | {n: m.nbytes for n, m in matrices.items()}
    weights = first.rows * first.columns
    return {
        name: {
            "seconds": s,
            "gb_s": sizes[name] / s / 1e9,
            "gw_s": weights / s / 1e9,
            "bits_per_weight": 8 * sizes[name] / weights,
        }
        for name, s in seconds.items()
    }


def bf16_matrices(rows: int) -> dict[str, Any]:
    raw = drawn_bf16(rows).reshape(-1).view(np.uint8)
    return {
        "dense BF16": _core.dense_matrix(raw, "BF16", rows, COLUMNS),
        "packed BF16": _core.bf16_planes_matrix(raw, "BF16", rows, COLUMNS),
    }


def int8_matrices(nbytes: int) -> dict[str, Any]:
    codes, scales = real_codes(nbytes)
    return {
        "dense INT8": _core.integer_matrix(codes, scales, codes.shape[1], packed=False),
        "packed INT8": _core.integer_matrix(codes, scales, codes.shape[1], packed=True),
    }


def main() -> None:
    request = json.loads(sys.argv[1])
    _core.isa_select(request["isa"])
    found: dict[str, Any] = {}
    for threads in request["threads"]:
        rounds = request["rounds"]
        tables = found.setdefault(str(threads), {})
        tables["memory BF16"] = products(bf16_matrices(request["rows"]), threads, rounds)
        tables["cache BF16"] = products(bf16_matrices(CACHED_ROWS), threads, 8 * rounds)
        tables["memory INT8"] = products(int8_matrices(request["rows"] * 2048), threads, rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
