"""How long a sweep takes, and how soon its HTML is open in a browser.

3 granularities x 2 bit widths x C = 1, 2, 3, 4, 6, 8 over 85 M weights in the decoder shapes of
OPT-125M, tiled from real GPT-Neo-125M attention; every stream is made, decoded and compared.

    MEADOW_TEST_DATA=... python benchmarks/sweep.py
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import machine, median_seconds, timed
from models import decoder, real_squares

import meadow_py as mp
from meadow_py.views import html

REPEATS = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def sweep(threads: int) -> tuple[dict[str, Any], mp.Sensitivity]:
    weights = decoder(real_squares())
    seconds, made = timed(lambda: mp.sweep(weights, threads=threads, progress=False))
    assert len(made.profile.weights) == len(weights)
    assert made.profile.settings.verified
    streams = sum(3 * len(weight.packings) for weight in made.profile.weights)
    return {"seconds": seconds, "streams": streams, "stages": dict(made.profile.seconds)}, made


def pages(made: mp.Sensitivity) -> dict[str, Any]:
    """The notebook's fragment and the report: made, and opened."""
    figures: dict[str, Any] = {"browser": _browser_version()}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("fragment", made._repr_html_), ("report", lambda: html.report(made))):
            seconds, page = timed(make)
            path = Path(folder, f"{name}.html")
            path.write_text(page)
            figures[name] = {"made_s": seconds, "bytes": len(page.encode()), **_opened(path)}
        blank = Path(folder, "blank.html")
        blank.write_text("<!doctype html><title>blank</title>")
        figures["blank"] = _opened(blank)
    return figures


def _opened(path: Path) -> dict[str, float | None]:
    """Seconds of a whole browser process: started, page loaded and laid out, ended."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return {"browser_s": None}
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()]

    def opened() -> None:
        done = subprocess.run(command, check=True, capture_output=True, timeout=120)
        assert b"</html>" in done.stdout

    return {"browser_s": median_seconds(opened, REPEATS)}


def _browser_version() -> str | None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return None
    done = subprocess.run([browser, "--version"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def report(figures: dict[str, Any]) -> str:
    lines = [", ".join(f"{k}: {v}" for k, v in figures["machine"].items()), ""]
    swept = figures["sweep"]
    stages = ", ".join(f"{k} {v:.1f} s" for k, v in swept["stages"].items())
    lines.append(f"sweep {swept['seconds']:.1f} s, {swept['streams']} streams: {stages}")
    shown = figures["pages"]
    lines.append(f"browser: {shown['browser']}")
    for name in ("fragment", "report"):
        page = shown[name]
        line = f"{name}: {page['bytes'] / 1e6:.2f} MB, made in {page['made_s']:.2f} s"
        if page["browser_s"] is not None:
            beside = page["browser_s"] - shown["blank"]["browser_s"]
            line += f", opened in {page['browser_s']:.2f} s, {beside:.2f} s more than a blank page"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    options = parser.parse_args()
    swept, made = sweep(options.threads)
    figures = {"machine": machine(), "threads": options.threads, "sweep": swept}
    figures["pages"] = pages(made)
    print(json.dumps(figures, indent=2) if options.json else report(figures))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
