"""The constraints that pin what the tests install, and the page that shows them."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "constraints").glob("*.txt"))


@pytest.fixture(scope="module")
def versions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("versions", ROOT / "tools" / "versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stated() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [project["build-system"]["requires"], project["project"]["dependencies"]]
    lists += project["project"]["optional-dependencies"].values()
    found = [Requirement(line) for lines in lists for line in lines]
    return [requirement for requirement in found if requirement.name != "meadow_py"]


def test_there_is_a_file_for_each_supported_python() -> None:
    assert [path.name for path in FILES] == [f"python3.{n}.txt" for n in (11, 12, 13)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_pins_all_that_we_state(path: Path, versions: ModuleType) -> None:
    pinned = versions.pinned(path)
    requirements = stated()
    assert len(requirements) > 25
    for requirement in requirements:
        version = pinned[versions.normal(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    assert pinned["torch"] == "2.13.0"
    lines = path.read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)


def test_the_page_shows_what_is_pinned(versions: ModuleType) -> None:
    assert versions.PAGE.read_text() == versions.page(), "run `python tools/versions.py page`"
