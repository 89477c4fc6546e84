"""Progress and stage times."""

from __future__ import annotations

import pytest

from meadow_py.jobs import Progress, Stopwatch


def test_quiet_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(10, "profile") as bar:
        bar.advance(10, "fc1")
    assert capsys.readouterr() == ("", "")


def test_asked_for_it_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(2_000_000, "profile", enabled=True) as bar:
        bar.advance(1_000_000, "fc1")
        bar.advance(1_000_000, "fc2")
    said = capsys.readouterr()
    assert said.out == ""
    assert "profile" in said.err


def test_a_failure_closes_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Progress(10, "profile", enabled=True):
        raise KeyboardInterrupt
    assert capsys.readouterr().out == ""


def test_stages_add_up() -> None:
    clock = Stopwatch()
    for _ in range(3):
        with clock.stage("pack"):
            pass
    with pytest.raises(ValueError, match="x"), clock.stage("read"):
        raise ValueError("x")
    assert list(clock.seconds) == ["pack", "read"]
    assert min(clock.seconds.values()) >= 0
