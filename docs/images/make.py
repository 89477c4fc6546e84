"""Draw the pictures of README.md again.

MEADOW_TEST_DATA=... python docs/images/make.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import style

import meadow_py as mp
from meadow_py.views import plots

HERE = Path(__file__).parent
MODEL = Path(os.environ["MEADOW_TEST_DATA"], "weights", "gpt-neo-125m-attention")
PAGES = {"light": ("white", []), "dark": ("#0d1117", ["dark_background"])}


def main() -> None:
    """Write each picture for light and for dark pages."""
    profile = mp.profile(MODEL, granularity="tensor", chunk_sizes=(1, 2, 3, 4, 6, 8))
    for page, (ground, sheets) in PAGES.items():
        names = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
        faces: dict[Any, Any] = dict.fromkeys(names, ground)
        with style.context(["default", *sheets]), matplotlib.rc_context(faces):
            plots.save(plots.figure(profile, "heatmap"), HERE / f"heatmap-{page}.png")


if __name__ == "__main__":
    main()
