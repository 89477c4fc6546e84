"""The versions that the tests run with: pin them, show them, and try newer ones.

python tools/versions.py pin python3.11 python3.12 python3.13
python tools/versions.py page
python tools/versions.py newest [PYTHON [ARGUMENTS OF PYTEST]]

`pin` makes a fresh environment with each Python, installs the newest of everything that the tests,
the pages and the linters need, and writes `constraints/pythonX.Y.txt` and the page. `page` writes
docs/versions.md from these files. `newest` runs the tests in a fresh environment without
constraints, and lists which packages are newer than the pinned ones and which tests fail.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints"
PAGE = ROOT / "docs" / "versions.md"
SHOWN = {  # in the order of the page, with what each is for
    "numpy": "arrays",
    "ml_dtypes": "BF16 and FP8 in numpy",
    "safetensors": "writing models",
    "huggingface_hub": "hub ids",
    "tokenizers": "text to tokens",
    "zstandard": "packed files",
    "rich": "tables in a terminal",
    "typer": "the command line",
    "matplotlib": "plots",
    "pandas": "data frames",
    "torch": "modules",
    "transformers": "packed models in Transformers",
    "accelerate": "device maps in Transformers",
    "gguf": "GGUF files",
    "distributed": "Dask as executor",
    "pybind11": "building the core",
    "scikit_build_core": "building the core",
    "pytest": "tests",
    "hypothesis": "tests",
}
OPENING = """\
# Versions

<!-- Written by `python tools/versions.py page`; a test compares it with constraints/. -->

`constraints/pythonX.Y.txt` pins these versions, and everything else that the tests, the pages and
the linters install, for one version of Python each. Continuous integration runs the whole suite on
Python 3.11, and tests that need neither torch nor Transformers on the newest other Python of this
table that it finds. `python tools/versions.py newest` runs the suite on the newest release of
everything and lists what fails.

"""


def pinned(path: Path) -> dict[str, str]:
    """Package to version, of a constraints file; names as PyPI compares them."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {normal(name): version for name, version in (line.split("==") for line in lines)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def constraint_files() -> list[Path]:
    return sorted(CONSTRAINTS.glob("python3.*.txt"), key=lambda path: int(path.stem.split(".")[1]))


def constraints_of(python: Path) -> Path:
    """The constraints file for the version of this interpreter."""
    say = "import sys; print('python%d.%d.txt' % sys.version_info[:2])"
    name = subprocess.run([python, "-c", say], check=True, capture_output=True, text=True).stdout
    return CONSTRAINTS / name.strip()


def page() -> str:
    """What docs/versions.md holds."""
    files = {path.stem.removeprefix("python"): pinned(path) for path in constraint_files()}
    rows = [["package", *(f"Python {python}" for python in files), "for"]]
    rows.append(["---"] * len(rows[0]))
    rows += [
        [f"`{name}`", *(versions[normal(name)] for versions in files.values()), use]
        for name, use in SHOWN.items()
    ]
    return OPENING + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def fresh_environment(python: str, folder: Path) -> Path:
    """The newest of everything, and nothing of the package itself but what it needs."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    found = folder / "bin" / "python"
    install = [
        str(found),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--upgrade",
        "--upgrade-strategy",
        "eager",
    ]
    subprocess.run([*install, f"{ROOT}[dev]", *build_requirements()], check=True)
    return found


def build_requirements() -> list[str]:
    system = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    return [*system["requires"], "cmake", "ninja"]


def installed(python: Path) -> dict[str, str]:
    """Spelled as pip freezes it, without our own package and without local versions (+cpu)."""
    command = [str(python), "-m", "pip", "freeze", "--exclude", "meadow_py"]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line.split("==") for line in frozen.splitlines() if "==" in line]
    return {name: version.partition("+")[0] for name, version in lines}


def pin(pythons: list[str]) -> None:
    for python in pythons:
        with tempfile.TemporaryDirectory() as folder:
            found = fresh_environment(python, Path(folder) / "venv")
            lines = [f"{package}=={version}\n" for package, version in installed(found).items()]
            constraints_of(found).write_text("".join(lines))
    PAGE.write_text(page())


def newest(python: str, arguments: list[str]) -> int:
    """Run the tests; the exit status is that of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        found, report = fresh_environment(python, Path(folder) / "venv"), Path(folder) / "junit.xml"
        # Not `python -m pytest`: that would import the folder meadow_py of the checkout.
        command = [
            str(found.with_name("pytest")),
            "-q",
            "-n",
            "2",
            f"--junitxml={report}",
            *arguments,
        ]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        print_changes(found)
        for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
            if case.find("failure") is not None or case.find("error") is not None:
                print(f"fails: {case.get('classname')}::{case.get('name')}")
    return code


def print_changes(python: Path) -> None:
    path = constraints_of(python)
    before = pinned(path) if path.exists() else {}
    for package, version in installed(python).items():
        if before.get(normal(package)) != version:
            print(f"{package}: {before.get(normal(package), 'not')} pinned, {version} tried")


def main() -> int:
    match sys.argv[1:]:
        case ["pin", *pythons] if pythons:
            pin(pythons)
        case ["page"]:
            PAGE.write_text(page())
        case ["newest", *words]:
            return newest(words[0] if words else sys.executable, words[1:])
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
