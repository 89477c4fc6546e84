"""Fixtures that every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=300, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

DATA_VARIABLE = "MEADOW_TEST_DATA"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real weights, tokenizers and text that is not part of this repository."""
    folder = os.environ.get(DATA_VARIABLE)
    if not folder or not Path(folder, "weights").is_dir():
        pytest.skip(f"needs real weights: set {DATA_VARIABLE} to a folder that holds weights/")
    return Path(folder)
