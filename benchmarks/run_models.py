"""The model tables of `run.py`: decoding and reading prompts, this project beside its peers.

    python benchmarks/synthetic_models.py llama-3.2-1b opt-1.3b smollm2-135m --out FOLDER
    MEADOW_PEERS_PYTHON=... python benchmarks/run_models.py FOLDER --rounds 3 --output models.json

Every peer loads in a process of its own; rounds go over all of them, so that a slow minute hits
all. Medians over rounds. Peers that are missing are told.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from common import machine
from run_rivals import MODEL_PEERS, measure

from meadow_py.measure import read_bandwidth

# Which peers run which model: those that hold it in the same or a comparable precision.
TABLES = {
    "llama-3.2-1b": (
        "meadow dense",
        "meadow packed",
        "meadow dense, activations BF16",
        "meadow packed, activations BF16",
        "meadow INT8, per tensor",
        "meadow q8",
        "llama.cpp BF16",
        "llama.cpp BF16, no mmap",
        "llama.cpp Q8_0, no mmap",
    ),
    "opt-1.3b": (
        "meadow dense",
        "meadow packed",
        "meadow INT8, per row",
        "meadow INT8, per tensor",
        "CTranslate2 INT8",
    ),
    "smollm2-135m": (
        "meadow dense",
        "meadow packed",
        "meadow dense, activations BF16",
        "meadow packed, activations BF16",
        "meadow q8",
        "llama.cpp BF16",
        "llama.cpp BF16, no mmap",
        "Transformers BF16",
    ),
}
SPEEDS = ("decode_tokens_s", "prefill_128_tokens_s", "prefill_512_tokens_s")
TOLD = ("rss_anon_bytes", "rss_file_bytes", "bits_per_weight", "bytes_per_token", "version")


def rows_of(folder: Path, peers: tuple[str, ...], threads: int, rounds: int) -> dict[str, Any]:
    """For each peer the medians, and every run."""
    taken: dict[str, list[dict[str, Any]]] = {}
    reads = []
    for _ in range(rounds):
        reads.append(read_bandwidth(threads, fresh=True).bytes_per_second / 1e9)
        for peer in peers:
            taken.setdefault(peer, []).append(measure(peer, folder, threads))
    return {
        "read_gb_s": {"median": statistics.median(reads), "runs": reads},
        "peers": {peer: merged(found) for peer, found in taken.items()},
    }


def merged(found: list[dict[str, Any]]) -> dict[str, Any]:
    good = [one for one in found if "decode_tokens_s" in one]
    if not good:
        return {key: found[0][key] for key in ("missing", "failed") if key in found[0]}
    figures = {key: statistics.median(one[key] for one in good) for key in SPEEDS}
    runs = {f"{key}_runs": [one[key] for one in good] for key in SPEEDS}
    return {**figures, **runs, **{key: good[0][key] for key in TOLD if key in good[0]}}


def markdown(model: str, threads: int, table: dict[str, Any]) -> str:
    lines = [
        f"\n{model}, {threads} threads, memory read at {table['read_gb_s']['median']:.1f} GB/s\n",
        "| engine | decode, tokens/s | prompt of 128 | of 512 | b/w | RssAnon, GB |",
        "|---|---|---|---|---|---|",
    ]
    for peer, row in table["peers"].items():
        if "decode_tokens_s" not in row:
            lines.append(f"| {peer} | {row} | | | | |")
            continue
        bits = f"{row['bits_per_weight']:.2f}" if "bits_per_weight" in row else ""
        lines.append(
            f"| {peer} | {row['decode_tokens_s']:.2f} | {row['prefill_128_tokens_s']:.0f} "
            f"| {row['prefill_512_tokens_s']:.0f} | {bits} | {row['rss_anon_bytes'] / 1e9:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what synthetic_models.py wrote")
    parser.add_argument("--models", nargs="*", choices=TABLES, default=list(TABLES))
    parser.add_argument("--threads", type=int, nargs="*", default=[2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "rounds": options.rounds, "tables": {}}
    for model in options.models:
        for threads in options.threads:
            peers = tuple(peer for peer in TABLES[model] if peer in MODEL_PEERS)
            table = rows_of(options.folder / model, peers, threads, options.rounds)
            result["tables"].setdefault(model, {})[str(threads)] = table
            print(markdown(model, threads, table), flush=True)
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
