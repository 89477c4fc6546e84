"""Print the requirements that pyproject.toml states for the packages named, one a line.

python3 .ci/requirement.py pyproject.toml ruff mypy
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def stated(project: dict) -> dict[str, str]:
    lists = [project["build-system"]["requires"], project["project"]["dependencies"]]
    lists += project["project"]["optional-dependencies"].values()
    return {
        re.match(r"[A-Za-z0-9_.-]+", line).group(): line
        for requirements in reversed(lists)
        for line in requirements
    }


def main() -> None:
    path, *names = sys.argv[1:]
    lines = stated(tomllib.loads(Path(path).read_text()))
    missing = [name for name in names if name not in lines]
    if missing:
        sys.exit(f"{path} states no requirement for {', '.join(missing)}")
    print("\n".join(lines[name] for name in names))


if __name__ == "__main__":
    main()
