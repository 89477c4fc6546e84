"""Sweeps what the MEADOW paper leaves open, and reports which values show what it gives.

python benchmarks/meadow.py [--out benchmarks/results/meadow.json]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from meadow_py.claims.meadow import retrace as meadow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    arguments = parser.parse_args()
    started = time.perf_counter()
    found = meadow.retrace().to_dict()
    print(f"{found['sets']} sets of values in {time.perf_counter() - started:.1f} s")
    for entry in found["prompts"]:
        _show(entry)
    print("\nsatisfied at several prompt lengths at once (parallel elements added):")
    for row in found["at_several_prompts"]["parallel"]:
        print(f"  {row['sets']:6} sets at {row['prompts']}")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n")


def _show(entry: dict[str, Any]) -> None:
    counts = {layout: found["sets"] for layout, found in entry["satisfying"].items()}
    print(f"\nprompt {entry['prompt']}: {entry['gains_met']} meet the four gains, {entry['flips']}")
    print(f"  with flips along both axes: {counts}")
    found = entry["satisfying"]["parallel"]
    if not found["sets"]:
        return
    for claim in found["claims"]:
        print(
            f"  {claim['name']:38} {claim['low']}..{claim['high']}: holds in {claim['holds_in']:4}"
            f" of {found['sets']}, gains {claim['gain_low']:.2f}..{claim['gain_high']:.2f}"
        )
    print(f"  all of them in {found['all_claims']} sets, such as {found['listed'][0]}")
    for row in found["rivals"]:
        print(
            f"  {row['gigabits']:2} Gb/s, {row['generate']:3} tokens generated: "
            f"{row['gain_low']:.2f}..{row['gain_high']:.2f} of dense GEMM"
        )


if __name__ == "__main__":
    main()
