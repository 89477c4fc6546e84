"""Running packed weights: products, and models, beside dense ones and beside peers.

    MEADOW_TEST_DATA=... python benchmarks/run.py --quick --json
    MEADOW_TEST_DATA=... python benchmarks/run.py --markdown

The kernel table is the median over processes, each of which multiplies every form in turn. What is
read lies in memory, beyond the last-level cache, on pages of one kind.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import machine

from meadow_py import _core

KERNELS = Path(__file__).with_name("run_kernels.py")
QUICK = {"rows": 32768, "rounds": 5, "threads": [1, 2]}  # 256 MiB of BF16
FULL = {"rows": 131072, "rounds": 9, "threads": [1, 2]}  # 1 GiB
PROCESSES = 5
QUICK_PROCESSES = 3

Table = dict[str, dict[str, float]]


def kernel_runs(request: dict[str, Any], processes: int) -> list[dict[str, dict[str, Table]]]:
    """One after the other, each on its own."""
    command = [sys.executable, str(KERNELS), json.dumps(request)]
    return [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(processes)
    ]


def medians(runs: list[dict[str, dict[str, Table]]]) -> dict[str, dict[str, Table]]:
    """Of every figure, over the processes; and of the ratios within each."""
    merged: dict[str, dict[str, Table]] = {}
    for threads, tables in runs[0].items():
        for title, rows in tables.items():
            found = [run[threads][title] for run in runs]
            merged.setdefault(threads, {})[title] = {
                name: {key: statistics.median(one[name][key] for one in found) for key in row}
                | ratios(found, name)
                for name, row in rows.items()
            }
    return merged


def ratios(found: list[Table], name: str) -> dict[str, float]:
    """Against the dense form and against plain reading, in the same process."""
    dense = next(n for n in found[0] if n.startswith("dense"))
    speedups = [one[dense]["seconds"] / one[name]["seconds"] for one in found]
    shares = [one[name]["gb_s"] / one["read"]["gb_s"] for one in found]
    return {
        "speedup": statistics.median(speedups),
        "least_speedup": min(speedups),
        "most_speedup": max(speedups),
        "share_of_read": statistics.median(shares),
    }


def figures_of(tables: dict[str, dict[str, Table]]) -> dict[str, float]:
    """What the headline says."""
    one, two = tables["1"], tables["2"]
    int8 = two["memory INT8"]
    return {
        "read_gb_s_1t": one["memory BF16"]["read"]["gb_s"],
        "read_gb_s_2t": two["memory BF16"]["read"]["gb_s"],
        "dense_bf16_gb_s_1t": one["memory BF16"]["dense BF16"]["gb_s"],
        "dense_bf16_gb_s_2t": two["memory BF16"]["dense BF16"]["gb_s"],
        "dense_bf16_share_of_read_2t": two["memory BF16"]["dense BF16"]["share_of_read"],
        "packed_bf16_bits_per_weight": two["memory BF16"]["packed BF16"]["bits_per_weight"],
        "packed_bf16_speedup_1t": one["memory BF16"]["packed BF16"]["speedup"],
        "packed_bf16_speedup_2t": two["memory BF16"]["packed BF16"]["speedup"],
        "packed_bf16_cache_gw_s_1t": one["cache BF16"]["packed BF16"]["gw_s"],
        "packed_int8_bits_per_weight": int8["packed INT8"]["bits_per_weight"],
        "packed_int8_byte_ratio": (
            int8["dense INT8"]["bits_per_weight"] / int8["packed INT8"]["bits_per_weight"]
        ),
        "packed_int8_speedup_1t": one["memory INT8"]["packed INT8"]["speedup"],
        "packed_int8_speedup_2t": int8["packed INT8"]["speedup"],
    }


def markdown(tables: dict[str, dict[str, Table]]) -> str:
    lines = []
    titles = list(next(iter(tables.values())))
    for title in titles:
        lines += [
            f"\n{title}\n",
            "| form | threads | b/w | GB/s | Gw/s | of reading | x dense (least to most) |",
            "|---|---|---|---|---|---|---|",
        ]
        for threads in tables:
            for name, row in tables[threads][title].items():
                spread = f"{row['least_speedup']:.2f} to {row['most_speedup']:.2f}"
                lines.append(
                    f"| {name} | {threads} | {row['bits_per_weight']:.2f} | {row['gb_s']:.1f} "
                    f"| {row['gw_s']:.1f} | {row['share_of_read']:.2f} "
                    f"| {row['speedup']:.2f} ({spread}) |"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--isa", nargs="*", help="default: all of this CPU; --quick: the best one")
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    isas = arguments.isa or [_core.isa_active()]
    processes = arguments.processes or (QUICK_PROCESSES if arguments.quick else PROCESSES)
    request = QUICK if arguments.quick else FULL
    tables = {isa: medians(kernel_runs({**request, "isa": isa}, processes)) for isa in isas}
    result: dict[str, Any] = {
        "machine": machine(),
        "processes": processes,
        "request": request,
        "figures": figures_of(tables[isas[0]]),
        "kernels": tables,
    }
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    print(result["machine"])
    for isa, table in tables.items():
        print(f"\n{isa}, {processes} processes")
        print(markdown(table))


if __name__ == "__main__":
    main()
