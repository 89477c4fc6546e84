"""Sizes and speeds of stored weights: this project's codecs beside their peers, in one run.

    pip install zipnn lmzip blosc2 zstandard
    MEADOW_TEST_DATA=... python benchmarks/storage.py --markdown

Same tensors, same threads, coders in turn, medians of rounds; each result is compared with the
original. The headline runs in five processes of its own. Freed memory stays in the process, so that
nobody measures page faults.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, test_data, timed
from rivals import Coder, Tensor, clean_up, coders, remove
from storage_report import markdown, plot
from storage_sets import SETS

from meadow_py import blobs

KEEP_MEMORY = "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296"
THREADS = (1, 2)
LARGE = 256 << 20  # bytes from which a set gets three rounds instead of five, and no slow coder
HEADLINE = ("meadow auto", "meadow fast", "ZipNN")


def rounds_of(tensors: list[Tensor]) -> int:
    return 3 if sum(t.raw.size for t in tensors) > LARGE else 5


def measure(coder: Coder, tensors: list[Tensor], threads: int) -> dict[str, float]:
    """Seconds of one encoding and one decoding, the result checked."""
    outs = [np.empty_like(t.raw) for t in tensors]
    encode_s, encoded = timed(lambda: coder.encode(tensors, threads))
    decode_s, _ = timed(lambda: coder.decode(encoded, outs, threads))
    return {"encode_s": encode_s, "decode_s": decode_s, "bytes": coder.size(encoded)}


def check(coder: Coder, tensors: list[Tensor]) -> None:
    """Ours, which write where they are told, give back every bit."""
    if not coder.name.startswith("meadow"):
        return
    outs = [np.zeros_like(t.raw) for t in tensors]
    coder.decode(coder.encode(tensors, 2), outs, 2)
    for tensor, out in zip(tensors, outs, strict=True):
        assert np.array_equal(tensor.raw, out), f"{coder.name}: {tensor.name} differs"


def run_set(tensors: list[Tensor], chosen: list[Coder]) -> dict[str, Any]:
    nbytes = sum(t.raw.size for t in tensors)
    large = nbytes > LARGE
    usable = [c for c in chosen if c.accepts(tensors) and not (large and c.slow)]
    taken: dict[tuple[str, int], list[dict[str, float]]] = {}
    for turn in range(rounds_of(tensors)):
        for threads in THREADS:
            for coder in usable:
                if coder.slow and turn > 0:
                    continue
                taken.setdefault((coder.name, threads), []).append(measure(coder, tensors, threads))
    for coder in usable:
        check(coder, tensors)
    clean_up()
    return {"nbytes": nbytes, "coders": {c.name: _figures(c.name, taken, nbytes) for c in usable}}


def _figures(
    name: str, taken: dict[tuple[str, int], list[dict[str, float]]], nbytes: int
) -> dict[str, float]:
    figures: dict[str, float] = {"share": taken[name, 1][0]["bytes"] / nbytes}
    for threads in THREADS:
        for what in ("encode", "decode"):
            seconds = statistics.median(one[f"{what}_s"] for one in taken[name, threads])
            figures[f"{what}_gb_s_{threads}t"] = nbytes / seconds / 1e9
    return figures


def floors(tensors: list[Tensor]) -> dict[str, Any]:
    """How far the default is above the order-0 entropy of integer codes, and what a tile costs."""
    above, overhead, tile_us = [], [], []
    for t in tensors:
        blob = blobs.encode(t.raw, t.dtype, t.shape, threads=2)
        about = blobs.info(blob)
        if t.dtype == "I8":
            counts = np.bincount(t.raw, minlength=256)
            shares = counts[counts > 0] / t.raw.size
            entropy = float(-(shares * np.log2(shares)).sum())
            above.append(8 * blob.size / t.raw.size - entropy)
        if len(about.tiles) > 1:
            overhead.append((12 * len(about.tiles)) / about.bytes)
            n = about.tile_nbytes
            tile_us.append(
                1e6 * timed(functools.partial(blobs.decode_range, blob, n, 2 * n, threads=1))[0]
            )
    return {
        "above_symbol_floor_bits": [min(above), max(above)] if above else None,
        "tile_index_share": max(overhead, default=None),
        "one_tile_us": statistics.median(tile_us) if tile_us else None,
    }


def headline(processes: int) -> list[dict[str, Any]]:
    """The default, the fast setting and ZipNN on real BF16, each process on its own."""
    found = []
    for _ in range(processes):
        done = subprocess.run(
            [sys.executable, __file__, "--sets", "gpt-neo-bf16", "--coders", *HEADLINE, "--json"],
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(json.loads(done.stdout)["sets"]["gpt-neo-bf16"]["coders"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--coders", nargs="*")
    parser.add_argument("--processes", type=int, default=0, help="of the headline; 5 to publish")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    parser.add_argument("--save", type=Path, help="write figures, a table and a plot into a folder")
    options = parser.parse_args()
    if os.environ.get("GLIBC_TUNABLES") != KEEP_MEMORY:
        os.environ["GLIBC_TUNABLES"] = KEEP_MEMORY
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  (read at a start)
    data = test_data()
    chosen = [c for c in coders() if not options.coders or c.name in options.coders]
    figures: dict[str, Any] = {"machine": machine(), "versions": _versions(), "sets": {}}
    try:
        for name in options.sets:
            print(f"{name} ...", file=sys.stderr, flush=True)
            tensors = SETS[name](data)
            figures["sets"][name] = {**run_set(tensors, chosen)}
            if not options.coders:
                figures["sets"][name] |= floors(tensors)
    finally:
        remove()
    if options.processes:
        figures["headline"] = headline(options.processes)
    _report(figures, options)


def _versions() -> dict[str, str]:
    from importlib import metadata

    packages = {"zipnn": "zipnn", "lmz": "lmzip", "zstandard": "zstandard", "blosc2": "blosc2"}
    return {p: metadata.version(p) for m, p in packages.items() if importlib.util.find_spec(m)}


def _report(figures: dict[str, Any], options: argparse.Namespace) -> None:
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / "storage.json").write_text(json.dumps(figures, indent=1) + "\n")
        (options.save / "storage.md").write_text(markdown(figures))
        plot(figures, options.save / "storage.png")
    print(json.dumps(figures) if options.json else markdown(figures))


if __name__ == "__main__":
    main()
