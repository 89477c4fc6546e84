"""Give every loader documents with one wrong place, and say which it does not refuse as promised.

    python tools/mutants.py [--each N] [--plot N] [--all] [LOADER ...]

A wrong document must load to something that can be printed, converted and drawn, or be refused with
an error of the promised kind whose message gives the path of the wrong place. Exits with 1 where
that is not so.
"""

from __future__ import annotations

import argparse
import itertools
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutation.changes import LATER, UNREADABLE, Mutant, general, mutants, spelled
from mutation.loaders import LOADERS, Loader

import meadow_py

_HOME = meadow_py.__path__[0]  # a checkout may lie in a folder of the same name
_HANGS = 10  # seconds
_PARSER = re.compile("not JSON|not valid JSON|not a TOML|line 1 is longer")


@dataclass(frozen=True)
class Finding:
    """A mutant that a loader did not treat as promised."""

    mutant: Mutant
    said: str

    @property
    def kind(self) -> str:
        """What findings of one cause have in common."""
        return f"{general(self.mutant.path)}: {self.said.split(':', 1)[0]}"


def main() -> int:
    """Examine the loaders that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--each", type=int, default=10_000, help="mutants of each document")
    parser.add_argument("--plot", type=int, default=100, help="how many of them are drawn")
    parser.add_argument("--all", action="store_true", help="show every finding")
    parser.add_argument("loader", nargs="*", help=f"of {', '.join(LOADERS)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.loader) - set(LOADERS):
        parser.error(f"expected loaders of {', '.join(LOADERS)}, found {', '.join(unknown)}")
    faulty = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as work:
        for name in arguments.loader or LOADERS:
            started = time.monotonic()
            found = list(examine(name, Path(work), arguments.each, arguments.plot))
            seconds = time.monotonic() - started
            print(f"{name}: {len(found)} of {arguments.each} not as promised, {seconds:.0f} s")
            _print(found, arguments.all)
            faulty += bool(found)
    return int(faulty > 0)


def _print(findings: list[Finding], all_of_them: bool) -> None:
    counts = Counter(finding.kind for finding in findings)
    for finding in findings:
        if all_of_them or counts[finding.kind]:
            times = "" if all_of_them else f" ({counts.pop(finding.kind)})"
            print(f"  {finding.mutant}{times}: {finding.said}")


def examine(name: str, folder: Path, each: int, plotted: int) -> Iterator[Finding]:
    """Give a loader `each` mutants of its document; the first `plotted` that load are drawn.

    Parameters
    ----------
    name : str
        A key of `LOADERS`.
    folder : path
        Where files may be written.

    Yields
    ------
    Finding
        A mutant that was not treated as promised.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loader = LOADERS[name](folder)
        loader.shown(loader.read(loader.write(loader.document)))
        plots = itertools.islice(itertools.cycle(loader.plots or ()), plotted)
        if loader.warns:
            warnings.simplefilter("ignore", UserWarning)
        for mutant in itertools.islice(mutants(loader.document, name, loader.left_out), each):
            if said := _judged(loader, mutant, plots):
                yield Finding(mutant, said)


def _judged(loader: Loader, mutant: Mutant, plots: Iterator[Any]) -> str:
    """What is wrong with the treatment of a mutant; empty if nothing is."""
    text = loader.write(mutant.document)
    try:
        with _limited():
            made = loader.read(text)
    except loader.refusals as error:
        message = str(error)
        return "" if _names(loader, mutant, message) else f"no path in the message: {message[:300]}"
    except Exception as error:  # noqa: BLE001 - every other exception is a finding
        return f"load raises {_told(error)}"
    try:
        with _limited():
            loader.shown(made)
    except Exception as error:  # noqa: BLE001
        return f"shown raises {_told(error)}"
    try:
        if draw := next(plots, None):
            _draw(draw, made)
    except loader.undrawn as error:
        return "" if _names(loader, mutant, str(error)) else f"plot raises {_told(error)}"
    except Exception as error:  # noqa: BLE001
        return f"plot raises {_told(error)}"
    return ""


def _draw(draw: Any, made: Any) -> None:
    import matplotlib.pyplot as plt

    try:
        with _limited():
            draw(made).figure.canvas.draw()
    finally:
        plt.close("all")


def _names(loader: Loader, mutant: Mutant, message: str) -> bool:
    """Whether a message names the place: by its path, or by that of the object that holds it."""
    path = loader.place(mutant.path)
    key = (
        LATER
        if mutant.change == "extra key"
        else next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    )
    if _PARSER.search(message):  # it knows no path
        number = mutant.change.endswith(("NaN", "Infinity")) and mutant.change in message
        return mutant.change in UNREADABLE or number or "not a TOML" in message or key in message
    if loader.flat:
        return _is_in(key, message) or repr(_value(mutant)) in message
    full, holder = spelled(path), spelled(path[:-1])
    if _is_in(full, message) or (holder and _is_in(holder, message)):
        return True
    in_list = len(path) > 2 and (isinstance(path[-1], int) or isinstance(path[-2], int))
    if in_list and _is_in(spelled(path[:-2]), message):
        return True  # one of a list, such as a shape, or packings that contradict each other
    return len(path) <= 1 and _is_in(key, message)


def _value(mutant: Mutant) -> Any:
    """What is in the wrong place."""
    found: Any = mutant.document
    for step in mutant.path:
        found = found.get(step) if isinstance(found, dict) else found[step]
    return found


def _is_in(place: str, message: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(place)}(?!\w)", message) is not None


def _told(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(_HOME)]
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}: {str(error)[:200]}"


@contextmanager
def _limited() -> Iterator[None]:
    """Raise TimeoutError in what takes far longer than any loader should."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"takes longer than {_HANGS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main())
