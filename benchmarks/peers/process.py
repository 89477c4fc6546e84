"""What the processes of peers share: a request in, figures out, both JSON, and how time is taken.

A peer runs in a process of its own, so that thread pools and allocators do not meet; a package
that cannot be imported is reported as {"missing": why}.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

SHOWN_LOGITS = 1024  # of a vocabulary: enough to see whether two peers run the same model

Request = dict[str, Any]
Figures = dict[str, Any]


def answer(work: Callable[[Request], Figures]) -> None:
    """Last line of stdout: what `work` makes of the request in the first argument."""
    try:
        figures = work(json.loads(sys.argv[1]))
    except ImportError as error:
        figures = {"missing": str(error)}
    print(json.dumps(figures))


class Runner(Protocol):
    """One loaded model of one peer."""

    def prefill(self, prompt: list[int]) -> int:
        """Forgets what was, reads a prompt, and gives the most likely next token."""

    def logits(self) -> list[float] | None:
        """The first few behind that prompt, for comparisons; None where a peer shows none."""

    def decode(self, prompt: list[int], count: int) -> tuple[float, list[int]]:
        """Seconds of `count` steps of one token each behind a prompt, and their tokens."""


def decode_by_steps(
    runner: Runner, step: Callable[[int], int], prompt: list[int], count: int
) -> tuple[float, list[int]]:
    """For peers that take one token at a time: the prompt is not in the time."""
    token = runner.prefill(prompt)
    tokens = []
    start = time.perf_counter()
    for _ in range(count):
        token = step(token)
        tokens.append(token)
    return time.perf_counter() - start, tokens


def model_figures(runner: Runner, request: Request) -> Figures:
    """Tokens per second: medians of `repeats` runs, each of which stands beside them."""
    prompt = prompt_of(request["prompt_tokens"], request["vocab"])
    steps = request["decode_tokens"]
    runner.decode(prompt, 4)  # the first touch of mapped weights is not decoding
    memory = resident_bytes()
    runs = [runner.decode(prompt, steps) for _ in range(request["repeats"])]
    figures: Figures = {
        "decode_tokens_s": steps / statistics.median(seconds for seconds, _ in runs),
        "decode_runs_tokens_s": [steps / seconds for seconds, _ in runs],
        "tokens": runs[0][1],
        "first_token": runner.prefill(prompt),
        "logits": runner.logits(),
        **memory,
    }
    for length in request["prefill"]:
        prompt = prompt_of(length, request["vocab"])
        taken = [_prefill_seconds(runner, prompt) for _ in range(request["repeats"])]
        figures[f"prefill_{length}_tokens_s"] = length / statistics.median(taken)
        figures[f"prefill_{length}_runs_tokens_s"] = [length / seconds for seconds in taken]
    return figures


def prompt_of(length: int, vocab: int) -> list[int]:
    """The same for every peer, behind the special tokens and the bytes of all vocabularies."""
    drawn = np.random.default_rng(length).integers(300, vocab, length)
    return [int(token) for token in drawn]


def _prefill_seconds(runner: Runner, prompt: list[int]) -> float:
    start = time.perf_counter()
    runner.prefill(prompt)
    return time.perf_counter() - start


def resident_bytes() -> Figures:
    """Anonymous memory and mapped file pages of this process, apart."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return {
        "rss_anon_bytes": int(fields["RssAnon"].split()[0]) * 1024,
        "rss_file_bytes": int(fields["RssFile"].split()[0]) * 1024,
    }
