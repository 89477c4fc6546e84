"""Measures the peak of anonymous memory of one form of a model, in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TOKENS = 4  # read and generated: every weight is read, every buffer made


def peak_of_fresh_process(model: str | None, form: str, options: Mapping[str, Any]) -> int | None:
    """Load a model and generate with it in a new process; return its peak of anonymous memory.

    Parameters
    ----------
    model : str or None
        A name or path.
    form : str
    options : mapping
        Of `load`.

    Returns
    -------
    int or None
        Bytes; None where the system does not say, or the process failed.
    """
    plain = {k: os.fspath(v) if isinstance(v, os.PathLike) else v for k, v in options.items()}
    asked = json.dumps({"model": model, "form": form, "options": plain})
    home = str(Path(__file__).parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "meadow_py.run.resident"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    said = done.stdout.strip()
    return int(said) if done.returncode == 0 and said.isdecimal() else None


def _main() -> None:
    from meadow_py.measure import PeakResident
    from meadow_py.run.loaded import load

    asked = json.load(sys.stdin)
    with PeakResident() as peak, load(asked["model"], form=asked["form"], **asked["options"]) as m:
        _generate(m)
    sys.stdout.write("" if peak.nbytes is None else str(peak.nbytes))


def _generate(model: Any) -> None:
    import numpy as np

    from meadow_py import _core

    engine = model.loaded.engine
    cache = _core.Cache(engine, min(2 * _TOKENS, engine.positions))
    for ids in ([0] * (cache.capacity // 2), *[[0]] * (cache.capacity // 2)):
        if ids:
            engine.forward(np.array(ids, np.int32), cache, "last", threads=model.threads)


if __name__ == "__main__":
    _main()
