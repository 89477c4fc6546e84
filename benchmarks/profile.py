"""How fast a model is profiled: unique extraction against numpy, all stages, and memory.

85 M weights in the decoder shapes of OPT-125M, tiled from real GPT-Neo-125M attention, so that
the numbers of distinct chunks are real.

    MEADOW_TEST_DATA=... python benchmarks/profile.py            # extraction and the full profile
    MEADOW_TEST_DATA=... python benchmarks/profile.py --memory   # a sharded 2 GB checkpoint as well
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import PeakAnonymousMemory, anonymous_bytes, machine, median_seconds, timed
from models import LAYERS, Array, decoder, real_squares

import meadow_py as mp
from meadow_py import _core

CHUNKS = (2, 4, 8)
WORDS = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def int8_codes(weights: dict[str, Array]) -> list[Array]:
    return [
        _core.quantize(weight.view(np.uint16), "BF16", 8, True, "tensor", 0)[0]
        for weight in weights.values()
    ]


def check_against_numpy(codes: Array, chunk: int) -> None:
    dictionary, counts, indices = _core.unique_chunks(codes, 8, chunk)
    words, expected = np.unique(codes.reshape(-1).view(WORDS[chunk]), return_counts=True)
    order = np.argsort(dictionary.reshape(-1).view(WORDS[chunk]))
    np.testing.assert_array_equal(dictionary.reshape(-1).view(WORDS[chunk])[order], words)
    np.testing.assert_array_equal(counts[order], expected)
    np.testing.assert_array_equal(dictionary[indices].reshape(codes.shape), codes)


def extraction(codes: list[Array], threads: int, repeats: int) -> list[dict[str, Any]]:
    """Per chunk size: seconds over all weights; the row-wise numpy call on one layer only."""
    layer = codes[: len(codes) // LAYERS]
    rows = []
    for chunk in CHUNKS:
        check_against_numpy(layer[0], chunk)
        word = WORDS[chunk]

        def ours(some: list[Array], chunk: int = chunk) -> Callable[[], None]:
            def run() -> None:
                for c in some:
                    _core.unique_chunks(c, 8, chunk, "in", threads)

            return run

        def by_word(word: Any = word) -> None:
            for c in codes:
                np.unique(c.reshape(-1).view(word), return_inverse=True, return_counts=True)

        def by_row(chunk: int = chunk) -> None:
            for c in layer:
                np.unique(c.reshape(-1, chunk), axis=0, return_inverse=True, return_counts=True)

        rows.append(
            {
                "chunk_size": chunk,
                "ours_s": median_seconds(ours(codes), repeats),
                "numpy_word_s": median_seconds(by_word, max(1, repeats // 2)),
                "ours_one_layer_s": median_seconds(ours(layer), repeats),
                "numpy_axis0_one_layer_s": timed(by_row)[0],
            }
        )
    return rows


def total_ratio(rows: list[dict[str, Any]], slow: str, fast: str) -> float:
    return float(sum(row[slow] for row in rows) / sum(row[fast] for row in rows))


def full_profile(weights: dict[str, Array], threads: int) -> dict[str, Any]:
    seconds, result = timed(lambda: mp.profile(weights, threads=threads, progress=False))
    assert len(result.weights) == len(weights)
    return {"seconds": seconds, "stages": dict(result.seconds)}


def write_sharded(folder: Path, gigabytes: float) -> int:
    """A sharded BF16 checkpoint in OPT-1.3B's shapes; returns the bytes of its largest tensor."""
    from safetensors.numpy import save_file

    squares = [w.view(np.uint16) for w in real_squares()]
    row = np.concatenate(squares[:3], axis=1)[:, :2048]
    hidden = np.concatenate([row, np.roll(row, 7, axis=1), np.roll(row, 13, axis=1)])[:2048]
    embedding = np.tile(hidden, (25, 1))[:50272]
    shapes = {
        **{f"self_attn.{n}_proj.weight": hidden for n in ("q", "k", "v", "out")},
        "fc1.weight": np.tile(hidden, (4, 1)),
        "fc2.weight": np.tile(hidden, (1, 4)),
    }
    import ml_dtypes

    index: dict[str, str] = {}

    def shard(number: int, tensors: dict[str, Array]) -> int:
        name = f"model-{number:05d}.safetensors"
        save_file({k: v.view(ml_dtypes.bfloat16) for k, v in tensors.items()}, folder / name)
        index.update(dict.fromkeys(tensors, name))
        return sum(v.nbytes for v in tensors.values())

    written = shard(0, {"model.decoder.embed_tokens.weight": embedding})
    layer = 0
    while written < gigabytes * 1e9:
        base = f"model.decoder.layers.{layer}"
        written += shard(layer + 1, {f"{base}.{k}": v for k, v in shapes.items()})
        layer += 1
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": written}, "weight_map": index})
    )
    (folder / "config.json").write_text(json.dumps({"model_type": "opt"}))
    return int(embedding.nbytes)


def memory(gigabytes: float, threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        largest = write_sharded(Path(folder), gigabytes)
        before = anonymous_bytes()
        with PeakAnonymousMemory() as peak:
            seconds, result = timed(lambda: mp.profile(folder, threads=threads, progress=False))
    return {
        "checkpoint_gb": gigabytes,
        "weights": sum(w.shape[0] * w.shape[1] for w in result.weights),
        "seconds": seconds,
        "largest_tensor_mb": largest / 1e6,
        "before_mb": before / 1e6,
        "peak_rss_anon_mb": peak.bytes / 1e6,
        "limit_mb": (6 * largest + 250e6) / 1e6,
    }


def report(figures: dict[str, Any]) -> str:
    lines = [", ".join(f"{k}: {v}" for k, v in figures["machine"].items()), ""]
    lines.append("unique extraction      ours  numpy words        one layer: ours  numpy axis=0")
    lines += [
        f"  C={row['chunk_size']}           {row['ours_s']:8.3f} s {row['numpy_word_s']:10.2f} s"
        f"      {row['ours_one_layer_s']:16.4f} s {row['numpy_axis0_one_layer_s']:11.2f} s"
        for row in figures["extraction"]
    ]
    lines.append(
        f"  total       {figures['speedup_words']:.1f}x numpy.unique on words, "
        f"{figures['speedup_axis0']:.0f}x numpy.unique(axis=0)"
    )
    stages = ", ".join(f"{k} {v:.2f} s" for k, v in figures["profile"]["stages"].items())
    lines += ["", f"full profile {figures['profile']['seconds']:.2f} s: {stages}"]
    if "memory" in figures:
        m = figures["memory"]
        lines += [
            "",
            f"{m['checkpoint_gb']:g} GB sharded, {m['weights'] / 1e6:.0f} M weights: "
            f"{m['seconds']:.1f} s, peak RssAnon {m['peak_rss_anon_mb']:.0f} MB "
            f"(limit {m['limit_mb']:.0f} MB, {m['before_mb']:.0f} MB before)",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="profile a sharded 2 GB checkpoint")
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    options = parser.parse_args()

    figures: dict[str, Any] = {"machine": machine(), "threads": options.threads}
    if options.memory:  # first, while the process is small
        figures["memory"] = memory(2.0, options.threads)
    weights = decoder(real_squares())
    figures["profile"] = full_profile(weights, options.threads)
    rows = extraction(int8_codes(weights), options.threads, options.repeats)
    figures["extraction"] = rows
    figures["speedup_words"] = total_ratio(rows, "numpy_word_s", "ours_s")
    figures["speedup_axis0"] = total_ratio(rows, "numpy_axis0_one_layer_s", "ours_one_layer_s")
    print(json.dumps(figures, indent=2) if options.json else report(figures))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
