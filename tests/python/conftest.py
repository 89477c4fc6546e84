"""Fixtures that every room shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("full", deadline=None, max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)

DATA_VARIABLE = "MEADOW_TEST_DATA"
if os.environ.get(DATA_VARIABLE):  # tests run in another folder: see below
    os.environ[DATA_VARIABLE] = str(Path(os.environ[DATA_VARIABLE]).resolve())


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Child processes must import what is installed, not the folder meadow_py of a checkout."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_child_processes() -> Iterator[None]:
    """Shells start background jobs with SIGINT ignored, and child processes would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real weights, tokenizers and text that is not part of this repository."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder, "weights").is_dir():
        pytest.skip(f"needs real weights: set {DATA_VARIABLE} to a folder that holds weights/")
    return Path(folder)
