"""Results that the tests of HTML look at, harmless and hostile."""

from __future__ import annotations

import pytest
from html_results import model, with_hostile_texts

import meadow_py as mp


@pytest.fixture(scope="session")
def swept() -> mp.Sensitivity:
    return mp.sweep(model(), progress=False, threads=1)


@pytest.fixture(scope="session")
def made(swept: mp.Sensitivity) -> mp.Profile:
    return swept.profile


@pytest.fixture(scope="session")
def hostile(made: mp.Profile) -> mp.Profile:
    return with_hostile_texts(made)
