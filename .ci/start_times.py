"""Print how long `import meadow_py` and `meadow profile` take: medians over processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    python = [sys.executable, "-c"]
    bare = seconds([*python, "pass"], 9)
    whole = seconds([*python, "import meadow_py"], 9)
    print(f"import meadow_py: {whole - bare:.3f} s (python alone {bare:.3f} s), limit 0.4 s")
    meadow = str(Path(sys.executable).with_name("meadow"))
    print(f"meadow profile: {seconds([meadow, 'profile', '--quiet'], 3):.2f} s, limit 5 s")


if __name__ == "__main__":
    main()
