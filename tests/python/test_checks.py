"""Arguments that many functions take."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from meadow_py import measure
from meadow_py.checks import check_threads
from meadow_py.cli.app import app


@pytest.mark.parametrize(("given", "used"), [(None, 0), (0, 0), (1, 1), (np.int64(3), 3)])
def test_none_and_zero_threads_are_all_cores(given: int | None, used: int) -> None:
    assert check_threads(given) == used
    assert type(check_threads(given)) is int


@pytest.mark.parametrize("given", [-1, 1025, True, False, np.True_, 1.0, "2"])
def test_anything_else_is_refused_by_name(given: object) -> None:
    with pytest.raises(ValueError, match=r"threads=.*: expected 1 to 1024, or 0 for all cores"):
        check_threads(given)  # type: ignore[arg-type]


def test_measuring_takes_none_for_all_cores() -> None:
    assert measure.read_bandwidth(None, nbytes=1 << 20).threads == 0


def test_the_option_takes_zero_for_all_cores_and_refuses_negative_numbers() -> None:
    arguments = ["profile", "--chunk-size", "2", "--granularity", "tensor", "--threads"]
    assert CliRunner().invoke(app, [*arguments, "0"]).exit_code == 0
    refused = CliRunner().invoke(app, [*arguments, "-1"])
    assert refused.exit_code == 2
    assert "threads=-1: expected 1 to 1024, or 0 for all" in " ".join(refused.output.split())
