"""`show_config`."""

from __future__ import annotations

import pytest

import meadow_py as mp


def test_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert mp.show_config() is None
    text = capsys.readouterr().out
    assert mp.__version__ in text
    assert "isa_available: " in text
    assert "scalar" in text


def test_as_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEADOW_ISA", "scalar")
    config = mp.show_config("dicts")
    assert config["core"]["MEADOW_ISA"] == "scalar"
    assert config["core"]["threads"] >= 1
    assert config["packages"]["numpy"]


def test_other_modes() -> None:
    with pytest.raises(ValueError, match="expected 'stdout' or 'dicts'"):
        mp.show_config("json")  # type: ignore[call-overload]
