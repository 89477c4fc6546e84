"""Commands of the package, run as `python -m meadow_py` runs them, in children of this process."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import runpy
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from recording.masks import masked

#: So that nothing of the terminal, the language or the hub of who runs this is recorded.
ENVIRONMENT = {
    "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    "MPLBACKEND": "agg", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
}  # fmt: skip
_PRELOADED = ("numpy", "ml_dtypes", "typer", "rich.console", "rich.table", "zstandard", "json")


_NOT_PRELOADED = ("torch", "plots", "__main__")  # they import what takes seconds


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def shown(self, rules: tuple[str, ...], places: dict[str, str]) -> str:
        """Its exit code and both streams as one text, masked."""
        parts = [f"exit code {self.code}\n"]
        for name, text in (("stdout", self.out), ("stderr", self.err)):
            if text:
                end = "" if text.endswith("\n") else "\n(no end of line)\n"
                parts.append(f"--- {name}\n{masked(text, rules, places)}{end}")
        return "".join(parts)


def preload() -> None:
    """Import what commands need, so that a child starts in milliseconds."""
    import meadow_py

    for name in _PRELOADED:
        importlib.import_module(name)
    for found in pkgutil.walk_packages(meadow_py.__path__, "meadow_py.", onerror=lambda _: None):
        if not any(word in found.name for word in _NOT_PRELOADED):
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)


def places_of(folder: Path) -> dict[str, str]:
    """Masks for the working folder and for where the package lies."""
    import meadow_py

    return {
        str(folder): "<work>",
        str(Path(meadow_py.__file__).parent): "<package>",
        sys.executable: "<python>",
    }


def run(arguments: list[str], folder: Path, stdin: bytes = b"") -> Done:
    """Run one command in `folder`."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin)
        given.seek(0)
        child = os.fork()
        if child == 0:
            _become([given.fileno(), out.fileno(), err.fileno()], arguments, folder)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "backslashreplace"))
    return Done(code, *texts)


def _become(streams: list[int], arguments: list[str], folder: Path) -> None:
    """Be the command, and never return."""
    code = 70
    try:
        os.chdir(folder)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.argv = ["meadow", *arguments]
        runpy.run_module("meadow_py", run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a traceback is a result, too
        traceback.print_exc(limit=0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
