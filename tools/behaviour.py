"""Write down what the package does, and compare a later commit with it.

    python tools/behaviour.py record OUT.json
    python tools/behaviour.py compare [RECORD]

The package is the one that this interpreter imports, so the interpreter of another checkout
records that one. `compare` exits with 1 where an entry differs that `tools/recording/intended.toml`
does not name. Logits and products are computed with every instruction set of this CPU, and all of
them must equal the one value that is recorded. What this machine cannot compute is "not compared".
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RECORD = HERE / "recording" / "record.json"
INTENDED = HERE / "recording" / "intended.toml"
SECTIONS = ("refusals", "commands", "codings", "results")  # the longest first


def main() -> int:
    """Record, compare, or be one section in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("record").add_argument("out", type=Path)
    compared = verbs.add_parser("compare")
    compared.add_argument("record", type=Path, nargs="?", default=RECORD)
    compared.add_argument("--intended", type=Path, default=INTENDED)
    compared.add_argument("--lines", type=int, default=30, help="of each difference; 0: all")
    section = verbs.add_parser("section")
    section.add_argument("name")
    section.add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.verb == "section":
        return _section(arguments.name, arguments.out)
    if arguments.verb == "record":
        made = _record()
        arguments.out.write_text(_spelled(made), encoding="utf-8")
        print(f"{len(made['entries'])} entries in {arguments.out}")
        return 0
    from recording.comparing import compare, read_intended

    recorded = json.loads(arguments.record.read_text(encoding="utf-8"))
    return compare(recorded, _record(), read_intended(arguments.intended), arguments.lines)


def _record() -> dict[str, Any]:
    """Run every section in a process of its own, those of the core once for each ISA."""
    from recording.store import VERSION

    made: dict[str, Any] = {"version": VERSION, "isas": _isas(), "skipped": {}, "entries": {}}
    jobs = [(section, "") for section in SECTIONS] + [("engines", isa) for isa in made["isas"]]
    with (
        tempfile.TemporaryDirectory(prefix="meadow-") as root,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        for (_, isa), part in zip(
            jobs, pool.map(lambda job: _run(job[0], job[1], root), jobs), strict=True
        ):
            _merge(made, part, isa)
    return made


def _isas() -> list[str]:
    """The instruction sets of this CPU that the core has, "scalar" first."""
    import meadow_py as mp

    found: list[str] = mp.show_config("dicts")["core"]["isa_available"]
    return found


def _run(section: str, isa: str, root: str) -> dict[str, Any]:
    """What a section records, with an instruction set, or "" for the one that is chosen here."""
    from recording.forking import ENVIRONMENT

    print(f"{section} {isa}".strip(), file=sys.stderr, flush=True)
    kept = {k: v for k, v in os.environ.items() if k not in ("MEADOW_DEBUG", "FORCE_COLOR")}
    chosen = {"MEADOW_ISA": isa} if isa else {}
    out = Path(root) / f"{section}{isa}.json"
    command = [sys.executable, str(HERE / "behaviour.py"), "section", section, str(out)]
    subprocess.run(command, check=True, env=kept | ENVIRONMENT | chosen)
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _section(name: str, out: Path) -> int:
    """Record one section here, in a folder of its own."""
    import importlib

    from recording import inputs
    from recording.store import Recorder

    recorder = Recorder()
    with tempfile.TemporaryDirectory(prefix="behaviour-") as work:
        inputs.write_all(Path(work))
        importlib.import_module(f"recording.{name}").record(recorder, Path(work))
    made = {"entries": recorder.entries, "skipped": recorder.skipped}
    out.write_text(json.dumps(made), encoding="utf-8")
    return 0


def _merge(made: dict[str, Any], part: dict[str, Any], isa: str) -> None:
    """Add a section's entries; of another ISA only those that differ from the first."""
    made["skipped"].update(part["skipped"])
    for key, entry in part["entries"].items():
        if key not in made["entries"]:
            made["entries"][key] = entry
        elif made["entries"][key] != entry:
            made["entries"][f"{key} on {isa}"] = entry


def _spelled(made: dict[str, Any]) -> str:
    """A record as JSON, one piece of a text on a line of its own."""
    ordered = {**made, "entries": dict(sorted(made["entries"].items()))}
    return json.dumps(ordered, indent=0, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
