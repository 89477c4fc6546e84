"""Plans drawn, as HTML and as rows; weights as a file has them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import meadow_py as mp
from meadow_py import demo


def test_the_footprint_is_what_the_plan_says() -> None:
    from matplotlib.figure import Figure

    made = mp.plan("opt-6.7b", "raspberry-pi-5")
    ax = made.plot("footprint", Figure().add_subplot())
    widths = [bar.get_width() for bars in ax.containers for bar in bars]
    expected = [
        getattr(option.footprint, part)
        for part in ("weights", "kv_cache", "activations")
        for option in made.options
    ]
    assert widths == expected
    (line,) = ax.get_lines()
    assert line.get_xdata()[0] == made.room["memory"] == 0.9 * 8 * 2**30
    assert [label.get_text() for label in ax.get_yticklabels()] == ["w16a16", "w8a8", "w4.5a8kv16"]


def test_first_tokens_are_drawn_for_every_storage() -> None:
    from matplotlib.figure import Figure

    made = mp.plan("opt-6.7b", "raspberry-pi-5")
    ax: Any = made.plot("first-token", Figure().add_subplot())
    expected = [
        s.first_token_s.typical for o in made.options for s in o.storages if s.first_token_s
    ]
    assert [marks.lines[0].get_xdata()[0] for marks in ax.containers] == expected
    assert not ax.patches  # a bar has no length on a logarithmic axis
    assert "streamed" in ax.get_title()


def test_an_encoder_has_no_context_and_no_line_crosses_a_legend() -> None:
    from matplotlib.figure import Figure

    for kind in ("footprint", "first-token"):
        assert (
            "context"
            not in mp.plan("deit-b", "kv260").plot(kind, Figure().add_subplot()).get_title()
        )
    made = mp.plan("opt-6.7b", "raspberry-pi-5")
    ax: Any = made.plot("footprint", Figure().add_subplot())
    assert "context of 2048 tokens" in ax.get_title()
    (line,) = ax.get_lines()
    assert min(line.get_ydata()) > min(ax.get_ylim()), "the legend lies above the rows"


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="kind of plot"):
        mp.plan("opt-125m", "zcu102").plot("pie")
    with pytest.raises(ValueError, match="no first token"):
        mp.plan("opt-125m", "coral").plot("first-token")


def test_weights_as_stored_come_first(tmp_path: Path) -> None:
    made = mp.plan(demo.folder(), "raspberry-pi-5")
    stored = made.options[0]
    nbytes = mp.open_checkpoint(demo.folder()).nbytes
    assert (stored.packing, str(stored.precision)) == ("as stored", "w16a16")
    assert stored.footprint.weights == nbytes
    shutil.copy(Path(demo.folder()) / "config.json", tmp_path)
    for model in (tmp_path, tmp_path / "config.json"):
        assert {o.packing for o in mp.plan(model, "raspberry-pi-5").options} == {"dense"}
    again = mp.plan(mp.open_checkpoint(demo.folder()), "raspberry-pi-5").options
    assert again[0].footprint == stored.footprint


def test_html_names_everything_once() -> None:
    made = mp.plan("opt-125m", "stm32h743", context=64, prompt=16, precisions=["w8a8"])
    html = made._repr_html_()
    for said in (made.device.title, "runs from", "How to read this", "KV cache of the whole"):
        assert html.count(said) == 1, said
