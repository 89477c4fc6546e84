"""What the bar says beside bytes and throughput."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import meadow_py as mp
from meadow_py.jobs.progress import Meter

if TYPE_CHECKING:
    import pytest


def test_running_ratio_and_all_bytes(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[int, str]] = []
    monkeypatch.setattr(Meter, "advance", lambda _self, count, name: said.append((count, name)))
    made = mp.pack(plain, tmp_path / "packed").inspection
    assert sum(count for count, _ in said) == sum(t.bytes_original for t in made.tensors)
    packed = sum(tensor.bytes_packed for tensor in made.tensors)
    share = 100 * packed / sum(tensor.bytes_original for tensor in made.tensors)
    assert said[-1][1] == f"{share:.1f} % {made.tensors[-1].name}"
    size = (plain / "model.safetensors").stat().st_size
    for work in (
        lambda: mp.verify(tmp_path / "packed"),
        lambda: mp.pack(plain, tmp_path / "packed"),
    ):
        said.clear()
        work()
        assert sum(count for count, _ in said) == size


def test_names_do_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Meter, "advance", lambda _self, _count, name: said.append(name))
    with Meter(10, "pack", enabled=False) as meter:
        meter.packed(4, 3, "\x1b[31m")
    assert said == ["75.0 % \\x1b[31m"]
