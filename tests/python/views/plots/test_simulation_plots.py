"""Plots of a simulation show its numbers."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import meadow_py as mp
from meadow_py.simulator.components import waits_by_group
from meadow_py.views import plots
from meadow_py.views.plots.figures import kinds_of

ON_ARRAYS = ("map", "buffers")


@pytest.fixture(scope="module")
def array() -> mp.Simulation:
    return mp.simulate("opt-125m", device="zcu102", bandwidth="12Gb/s", prompt=128, packing="1.5x")


@pytest.fixture(scope="module")
def board() -> mp.Simulation:
    return mp.simulate("llama-3.2-1b", device="orin-nano", prompt=64)


@pytest.mark.parametrize("kind", plots.SIMULATION_KINDS)
@pytest.mark.parametrize("ground", ["default", "dark_background"])
def test_every_kind_draws(array: mp.Simulation, kind: str, ground: str, tmp_path: Path) -> None:
    with mpl.style.context(ground):
        drawn = plots.figure(array, kind)
        plots.save(drawn, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000
    title = drawn.axes[0].get_title()
    assert "opt-125m on Xilinx ZCU102" in title
    assert "packing 1.5x" in title


@pytest.mark.parametrize("kind", plots.SIMULATION_KINDS)
def test_devices_without_an_array(board: mp.Simulation, kind: str) -> None:
    if kind in ON_ARRAYS:
        with pytest.raises(ValueError, match="array"):
            board.plot(kind)
    else:
        ax = board.plot(kind)
        assert "llama-3.2-1b" in ax.get_title()
    pyplot.close("all")


@pytest.mark.parametrize("kind", ["time", "bandwidth", "roofline", "energy", "buffers", "map"])
def test_encoders(kind: str) -> None:
    made = mp.simulate("deit-s", device="zcu102", bandwidth="12Gb/s")
    assert plots.figure(made, kind).axes


def test_bars_of_time_are_the_seconds_of_each_kind(array: mp.Simulation) -> None:
    ax = plots.figure(array, "time").axes[0]
    assert array.decode is not None
    parts = waits_by_group(array.decode)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["all", *parts]
    lengths = np.zeros(len(labels))
    for bars in ax.containers:
        lengths += [bar.get_width() for bar in bars]
    assert lengths[0] == pytest.approx(array.decode.seconds)
    assert lengths[1:] == pytest.approx([part.seconds for part in parts.values()])


def test_bars_of_energy_are_the_typical_joules(array: mp.Simulation) -> None:
    ax = plots.figure(array, "energy").axes[0]
    energy = array.energy_per_token
    assert energy is not None
    stacks = [bars for bars in ax.containers if hasattr(bars, "patches")]
    assert sum(bars[0].get_width() for bars in stacks) == pytest.approx(energy.total.typical)


def test_every_operation_is_under_the_roofs(array: mp.Simulation) -> None:
    ax = plots.figure(array, "roofline").axes[0]
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "")]
    count = 0
    for line in marks:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        roof = np.minimum(x * array.bandwidth, 2 * array.peak_macs_per_s)
        assert (y <= roof * (1 + 1e-9)).all()
        count += x.size
    assert array.decode is not None
    rows = [row for phase in (array.prefill, array.decode) for row in phase.layers]
    assert count == sum(1 for row in rows if row.macs and row.bytes)


def test_the_line_of_bandwidth_passes_through_the_simulation(array: mp.Simulation) -> None:
    ax = plots.figure(array, "bandwidth", phase="decode").axes[0]
    line = next(line for line in ax.lines if line.get_label() == "TPHS")
    at = np.interp(12, np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
    again = mp.simulate(
        "opt-125m", device="zcu102", bandwidth="12Gb/s", prompt=128, packing="1.5x", dataflow="tphs"
    )
    assert at == pytest.approx(again.decode_s_per_token, rel=1e-3)


def test_wrong_names_say_which_there_are(array: mp.Simulation) -> None:
    with pytest.raises(ValueError, match=r"no kind of plot 'tim'.*'time'"):
        array.plot("tim")
    with pytest.raises(ValueError, match=r"no option of the time plot 'phas'.*'phase'"):
        array.plot("time", phas="decode")
    with pytest.raises(ValueError, match=r"no phase 'first'.*'prefill'"):
        array.plot("time", phase="first")


def test_svg_for_pages(array: mp.Simulation) -> None:
    assert kinds_of(array) is plots.SIMULATION_KINDS
    text = plots.svg(array, "time", dark=True)
    assert text.startswith("<svg")
    assert "Time by component" in text
    assert text == plots.svg(array, "time", dark=True)


def test_marks_at_one_point_of_the_roofline_differ_in_size(array: mp.Simulation) -> None:
    by_point: dict[tuple[float, float], list[float]] = {}
    for line in array.plot("roofline").get_lines():
        if line.get_marker() not in ("None", ""):
            for point in set(zip(line.get_xdata(), line.get_ydata(), strict=True)):
                by_point.setdefault(point, []).append(line.get_markersize())
    shared = [sizes for sizes in by_point.values() if len(sizes) > 1]
    assert shared
    for sizes in shared:
        assert len(set(sizes)) == len(sizes)


def test_an_axis_within_a_decade_has_labels() -> None:
    drawn = plots.figure(mp.simulate("opt-1.3b", device="raspberry-pi-5"), "bandwidth")
    drawn.draw_without_rendering()
    axis = drawn.axes[0].yaxis
    low, high = drawn.axes[0].get_ylim()
    shown = [
        tick.label1.get_text()
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if low <= tick.get_loc() <= high and tick.label1.get_text()
    ]
    assert len(shown) >= 3, shown


@pytest.mark.parametrize("kind", ["bandwidth", "roofline", "buffers"])
def test_no_dotted_line_crosses_the_legend(array: mp.Simulation, kind: str) -> None:
    drawn = plots.figure(array, kind)
    drawn.draw_without_rendering()
    legend = drawn.axes[0].get_legend().get_window_extent()
    dotted = [line for line in drawn.axes[0].get_lines() if line.get_linestyle() == ":"]
    upright = [line for line in dotted if len(set(line.get_xdata())) == 1]
    assert upright
    for line in upright:
        assert line.get_window_extent().y1 <= legend.y0 + 1
