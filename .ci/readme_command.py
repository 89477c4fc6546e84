"""Print one of the commands that README.md gives for a fresh machine.

python3 .ci/readme_command.py README.md environment|profile|tests
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# In README's order, with a word that each must hold.
COMMANDS = {"environment": "venv", "profile": "meadow profile", "tests": "pytest"}


def first_commands(readme: str) -> list[str]:
    """The shell blocks before the first heading below the title."""
    opening = readme.split("\n## ", 1)[0]
    return [block.strip() for block in re.findall(r"```(?:sh|bash)\n(.*?)```", opening, re.S)]


def main() -> None:
    path, wanted = sys.argv[1:]
    found = first_commands(Path(path).read_text())
    if len(found) != len(COMMANDS) or not all(
        word in command for word, command in zip(COMMANDS.values(), found, strict=True)
    ):
        sys.exit(f"{path}: expected a block each for {', '.join(COMMANDS)}, found {found}")
    print(found[list(COMMANDS).index(wanted)])


if __name__ == "__main__":
    main()
