from __future__ import annotations

import pytest

import meadow_py as mp


@pytest.fixture(scope="session")
def of_demo() -> mp.Claims:
    """Every claim, computed with nothing but the demo."""
    return mp.claims(run=True)
