"""tools/house.py on a tiny package whose figures are counted by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / "tools"

FILES = {
    "__init__.py": '"""A package."""\n',
    "low.py": '''"""The lowest file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pack.high import High  # no arrow: only types need it


class Same:  # a comment is code's neighbour, not code
    """A class."""

    def shown(self) -> str:
        from pack.views.text import spell  # no arrow: a result shows itself

        return spell(self)


def deep() -> int:
    from pack.room.first import VALUE

    return VALUE
''',
    "high.py": "from pack import low\n\n\nclass High(low.Same):\n    pass\n",
    "room/__init__.py": "",
    "room/first.py": "import pack.room.second\n\nVALUE = 1\n\n\nclass Same:\n    pass\n",
    "room/second.py": "from pack.room import first\nfrom pack.low import deep\n",
    "views/__init__.py": "",
    "views/text.py": (
        "from pack import low\n\n\ndef spell(x: object) -> str:\n"
        '    """Spell.\n\n    At length.\n    """\n' + "    x = x\n" * 40 + "    return ''\n"
    ),
}


@pytest.fixture(scope="module")
def house() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        return importlib.import_module("house")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "pack" / "long.py").write_text("x = 1\n" * 351, encoding="utf-8")
    return tmp_path / "pack"


def test_what_is_counted(house: Any, package: Path) -> None:
    found = house.counted(package)
    assert found["files"] == 9
    assert found["files of 60 lines or fewer"] == 8
    assert found["files over 350 lines"] == ["pack.long"]
    assert found["class names defined twice or more"] == {"Same": ["pack.low", "pack.room.first"]}
    assert (found["functions"], found["functions under 35 lines, %"]) == (3, 66.7)
    assert found["longest function"] == [42, "pack.views.text.spell"]


def test_circles_through_functions_but_not_through_types_or_views(
    house: Any, package: Path
) -> None:
    found = house.counted(package)
    assert found["circles between files"] == [["pack.low", "pack.room.first", "pack.room.second"]]
    assert found["circles between rooms"] == [["low", "room"]]


def test_lines_of_code_are_without_comments_docstrings_and_blanks(
    house: Any, package: Path
) -> None:
    modules = house.read_package(package)
    assert modules["pack"].code == 0
    assert modules["pack.low"].code == 11
    assert modules["pack.high"].code == 3
    assert modules["pack.views.text"].code == 43


def test_a_table_has_both_columns(house: Any) -> None:
    found = {"files": 3, "circles": [["a", "b"]], "longest function": [40, "a.f"]}
    lines = house.table({"v1": found, "now": found | {"files": 5}}).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["v1", "now"],
        ["files", "3", "5"],
        ["circles", "1", "1"],
    ]
    assert lines[3].split() == ["longest", "function", "40", "(a.f)", "40", "(a.f)"]
