"""The simulator: how fast it is, and what it predicts of this host and of published measurements.

    python benchmarks/simulate.py --sweep --published
    python benchmarks/simulate.py --host [--model FOLDER ...] [--out benchmarks/results/host.json]

``--host`` measures this host and predicts, then decodes with the same models in the same minute,
dense and packed in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, timed
from simulate_host import Host
from simulate_published import published

from meadow_py import demo
from meadow_py.simulator import sweep

MODELS = ("opt-125m", "opt-1.3b", "llama-3.2-1b", "smollm2-135m", "deit-b")
DEVICES = (
    "zcu102",
    "kv260",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "jetson-nano",
    "orin-nano",
    "orin-nano-super",
    "agx-orin",
    "snapdragon-8-gen-3",
    "apple-m2",
    "desktop-x86",
    "zcu102-llamaf",
)
PACKINGS = ("none", "1.2x", "1.5x", "2x")
REPEATS = 5


def sweep_speed() -> dict[str, Any]:
    """5 models, 12 devices, 2 dataflows, 4 packings, every prompt of 1 to 4096 tokens."""
    tokens = np.arange(1, 4097)
    options: dict[str, Any] = {
        "devices": DEVICES,
        "dataflows": ("gemm", "tphs"),
        "packings": PACKINGS,
    }
    runs = [timed(lambda: sweep(MODELS, tokens=tokens, **options)) for _ in range(REPEATS)]
    seconds = [run[0] for run in runs]
    return {
        "seconds": statistics.median(seconds),
        "seconds_max": max(seconds),
        "combinations": len(runs[0][1].combinations),
        "rows": len(runs[0][1]),
        "times": 2 * len(runs[0][1]),
    }


def host(models: list[Path]) -> list[dict[str, Any]]:
    """Predicted and measured tokens/s of every model, dense and packed."""
    with tempfile.TemporaryDirectory() as folder:
        measured = Host(folder)
    return [row for model in models for row in measured.compare(model)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("sweep", "published", "host"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--model", type=Path, action="append", default=[], help="a folder or file")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "date": time.strftime("%Y-%m-%d")}
    if arguments.sweep:
        result["sweep"] = sweep_speed()
        print(json.dumps(result["sweep"], indent=1))
    if arguments.published:
        result["published"] = published()
        for row in result["published"]:
            print(_line(row, "published"))
    if arguments.host:
        result["host"] = host([demo.folder(), *arguments.model])
        for row in result["host"]:
            print(_line(row, "measured"))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def _line(row: dict[str, Any], against: str) -> str:
    return (
        f"{row['name']:44} predicted {row['predicted']:10.4g}, {against} {row[against]:10.4g}, "
        f"{100 * (row['predicted'] / row[against] - 1):+6.1f} %"
    )


if __name__ == "__main__":
    main()
