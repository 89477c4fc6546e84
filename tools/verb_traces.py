"""Which files of the package a verb enters, and how many modules a command imports.

The command ``meadow profile`` is run on the demo, with its table; the functions `pack` and `load`
on the demo, and `simulate` on OPT-125M.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

VERBS = ("profile", "pack", "load", "simulate")

# Runs in a child: every module is imported first, so that only calls are counted, not imports.
_TRACE = """
import contextlib, importlib, io, json, os, pkgutil, sys, tempfile, threading
verb, root = sys.argv[1:]
import meadow_py as mp
home = os.path.dirname(os.path.abspath(mp.__file__))
if os.path.dirname(home) != root:
    sys.exit(f"meadow_py was imported from {home}, not from {root}")
for found in pkgutil.walk_packages(mp.__path__, "meadow_py."):
    if "torch" not in found.name and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
from meadow_py import demo
from meadow_py.cli import main
entered = set()
def note(frame, event, argument):
    if event == "call" and frame.f_code.co_filename.startswith(home):
        entered.add(os.path.relpath(frame.f_code.co_filename, home))
def command(*words):
    sys.argv = ["meadow", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
source, target = str(demo.folder()), os.path.join(tempfile.mkdtemp(), "packed")
if verb == "load":
    mp.pack(source, target, progress=False)
threading.setprofile(note)
sys.setprofile(note)
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    if verb == "profile":
        command("profile", "--quiet", "--chunk-size", "2")
    elif verb == "pack":
        mp.pack(source, target, progress=False)
    elif verb == "simulate":
        mp.simulate("opt-125m", device="zcu102")
    else:
        mp.load(target).close()
sys.setprofile(None)
threading.setprofile(None)
print(json.dumps(sorted(entered)))
"""
_IMPORTED = """
import contextlib, io, json, sys
from meadow_py.cli import main
sys.argv = ["meadow", "simulate", "opt-125m", "--device", "zcu102"]
with contextlib.redirect_stdout(io.StringIO()):
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
names = [name for name in sys.modules if name.split(".")[0] == "meadow_py"]
print(json.dumps(sorted(names)))
"""


def traced(root: Path) -> dict[str, Any]:
    """Files and rooms that verbs enter, and how many modules a command imports; or why not."""
    made: dict[str, Any] = {}
    for verb in VERBS:
        entered = _child(root, _TRACE, verb, str(root))
        made[f"{verb} enters files"] = entered
        rooms = entered
        if isinstance(entered, list):
            rooms = sorted({Path(one).with_suffix("").parts[0] for one in entered})
        made[f"{verb} enters rooms"] = rooms
    made["meadow simulate imports"] = _child(root, _IMPORTED)
    return made


def _child(root: Path, script: str, *arguments: str) -> list[str] | str:
    """The list that a script prints, or the last line of what it says when it fails."""
    environment = os.environ | {"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, check=False, env=environment, cwd=root,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return f"not traced: {said[-1] if said else f'exit code {done.returncode}'}"
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found
