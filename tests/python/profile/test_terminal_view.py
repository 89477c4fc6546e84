"""How a profile looks."""

from __future__ import annotations

import io
import re

import ml_dtypes
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from rich.console import Console

import meadow_py as mp
from meadow_py import demo, quantizers
from meadow_py.spelling import byte_size, count, ratio
from meadow_py.views.terminal import render, render_text


@pytest.fixture(scope="module")
def made() -> mp.Profile:
    return mp.profile(demo.checkpoint())


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("per_weight", [False, True])
def test_it_fits_and_nothing_is_cut_off(made: mp.Profile, width: int, per_weight: bool) -> None:
    text = render_text(made, width, per_weight)
    assert max(map(len, text.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "\x1b" not in text
    assert not re.search(r" $", text, re.MULTILINE)


def test_a_row_says_what_the_summary_says(made: mp.Profile) -> None:
    group = next(g for g in made.summary()[0].roles if g.label == "mlp.down")
    row = next(line for line in repr(made).splitlines() if line.startswith("mlp.down"))
    assert row.split() == [
        *("mlp.down", "4", f"{group.floor_symbol:.2f}"),
        *(f"{group.storage:.2f}", f"{group.huffman:.2f}"),
        *("re-indexed", str(group.best.chunk_size), f"{group.best.bits_per_weight:.2f}"),
        *(f"{group.best.ratio:.2f}x", f"{group.snr_db:.1f}"),
    ]


def test_the_model_is_named_first(made: mp.Profile) -> None:
    assert repr(made).splitlines()[0] == made.model.source == demo.NAME


def test_figures_without_the_dictionary_are_labelled(made: mp.Profile) -> None:
    lines = repr(made).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("scales "))
    assert lines[at - 1].split()[-1] == "dictionary"
    assert lines[at].endswith("not counted")
    assert sum("not counted" in line for line in lines) == 2  # the other explains it


@pytest.mark.parametrize("granularity", ["tensor", "group:8"])
def test_figures_without_the_dictionary_are_what_the_footnote_says(granularity: str) -> None:
    random = np.random.default_rng(0)
    weights = {"a": random.standard_normal((16, 64)).astype(np.float32)}
    made = mp.profile(weights, granularity=granularity, chunk_sizes=2)
    bpw = made.weights[0].packings[0].bits_per_weight
    expected = ratio(bpw["dense"] / (bpw["index_only"] + bpw["scales"]))
    text = render_text(made, 200)
    footnote = " ".join(text.split())
    assert "indices of one fixed width and scales (in JSON index_only + scales)" in footnote
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("scales "))
    assert lines[at + 1].split()[-1] == expected
    assert "index only" not in text


def test_every_weight_has_its_row(made: mp.Profile) -> None:
    text = render_text(made, 120, per_weight=True)
    assert made.weights
    for weight in made.weights:
        assert len(re.findall(rf"^{re.escape(weight.name)} ", text, re.MULTILINE)) == 3


def test_names_in_brackets_are_not_markup() -> None:
    fused = {"transformer.h.0.attn.c_attn.weight": np.ones((8, 24), np.float32)}
    assert "c_attn.weight[q]" in render_text(mp.profile(fused), 120, per_weight=True)


def test_wide_floats_that_hold_narrow_ones_are_named() -> None:
    values = np.random.default_rng(0).standard_normal((8, 24)).astype(ml_dtypes.bfloat16)
    made = mp.profile({"a.weight": values.astype(np.float32)})
    assert "F32 that holds only BF16 values" in render_text(made, 200)


def test_verdicts() -> None:
    random = np.random.default_rng(0)
    noise = {"a": random.standard_normal((64, 64)).astype(np.float32)}
    assert "Sweet spot: none, it is larger than dense in every packing" in _line(noise)
    tails = {"a": (random.standard_t(2, (256, 256))).astype(np.float32)}
    assert "Smallest packing: re-indexed" in _line(tails)
    pairs = random.integers(-100, 100, (40, 2))
    correlated = {"a": pairs[random.integers(0, 40, 4096)].reshape(64, 128).astype(np.int8)}
    assert "Sweet spot: re-indexed, C=2" in _line(correlated)


def _line(model: dict[str, np.ndarray]) -> str:
    return render_text(mp.profile(model, granularity="tensor", chunk_sizes=2), 300)


def test_the_smallest_of_all_is_named_with_its_floor(made: mp.Profile) -> None:
    text = render_text(made, 2000)
    assert made.summary()
    for section in made.summary():
        total = section.total
        sizes = {
            "storage codec": total.storage,
            "Huffman": total.huffman,
            "dense": total.dense,
            "re-indexed": total.best.bits_per_weight,
        }
        name = min(sizes, key=sizes.__getitem__)
        floor = f"floor {total.floor_symbol + total.scales:.2f}"
        said = f"Smallest of all: {name}, {sizes[name]:.2f} b/w, {total.dense / sizes[name]:.2f}x"
        assert f"{said} ({floor}" in text


def test_colours_only_where_they_are_shown(
    made: mp.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=80)
    assert "\x1b[32m" in render(made, coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=80)
    assert "\x1b[32m" not in render(made, plain)


def test_spelling() -> None:
    assert [count(n) for n in (999, 84_934_656, 1_500)] == ["999", "84.93 M", "1.5 k"]
    assert [byte_size(n) for n in (12, 250_540_032)] == ["12 B", "250.5 MB"]
    assert [ratio(value) for value in (1.375, None)] == ["1.38x", "-"]
    assert quantizers.title("int4:group:32") == "INT4, one scale per 32 inputs of a row"
    assert quantizers.title("int8:tensor") == "INT8, one scale per tensor"
    assert quantizers.title("int8:row", short=True) == "INT8 row"


def test_a_cell_of_a_notebook_shows_a_result_once() -> None:
    """As text and as HTML in one output; rich must display nothing of its own beside it."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "import meadow_py as mp\nfrom meadow_py import demo\n"
                "mp.profile(demo.checkpoint(), chunk_sizes=2, progress=False)"
            )
        ]
    )
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"text/plain", "text/html"}
