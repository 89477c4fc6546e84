"""The result of a sweep: rows, files, text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.views.terminal import render_text


def test_a_sweep_is_a_profile_of_all_settings() -> None:
    weight = {"x.fc1.weight": np.random.default_rng(3).standard_normal((16, 16), np.float32)}
    sweep = mp.sweep(weight, verify=False, symmetric=False)
    assert len(sweep.profile.weights[0].packings) == 2 * 3 * 6
    settings = {"bits": (8, 4), "chunk_sizes": (1, 2, 3, 4, 6, 8)}
    expected = mp.profile(weight, verify=False, symmetric=False, **settings)
    assert sweep.profile.weights == expected.weights
    with pytest.raises(TypeError, match="chunksize"):
        mp.sweep(weight, chunksize=2)


def test_dataframe_is_tidy(swept: mp.Sensitivity) -> None:
    frame = swept.to_dataframe()
    # Four forms without chunks, three packings by three chunk sizes, for two roles.
    assert len(frame) == 6 * 2 * (4 + 3 * 3)
    assert not frame.duplicated(["role", "bits", "granularity", "codec", "chunk_size"]).any()
    assert frame[frame.codec == "dense"].ratio.eq(1).all()
    assert frame[frame.codec == "dense"].chunk_size.isna().all()
    dense = frame[frame.codec == "dense"].set_index(["role", "bits", "granularity"])
    for row in frame.itertuples():
        expected = dense.bits_per_weight[row.role, row.bits, row.granularity] / row.bits_per_weight
        assert row.ratio == pytest.approx(expected)
    best = frame[(frame.bits == 8) & (frame.granularity == "row") & (frame.role == "mlp.up")]
    spot = swept.best("mlp.up", 8, "row")[0]
    assert best[best.chunk_size.notna()].bits_per_weight.min() <= spot.dense


def test_round_trip(swept: mp.Sensitivity, tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    swept.save(path)
    loaded = mp.Sensitivity.load(path)
    assert loaded == swept
    assert loaded.best() == swept.best()
    assert json.loads(path.read_text()) == json.loads(json.dumps(swept.to_dict()))


def test_the_contract(swept: mp.Sensitivity) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(swept.to_json(), parse_constant=refuse)
    assert (data["version"], data["kind"]) == (1, "sweep")
    assert data["profile"]["version"] == 1
    spot = data["sweet_spots"][0]
    assert set(spot) == {
        *("role", "weights", "values", "quantizer", "bits", "granularity", "snr_db", "dense"),
        *("packed", "huffman", "smallest_dense", "storage", "sweet_spot"),
    }
    assert set(spot["packed"]) == {
        *("quantizer", "bits", "granularity", "codec", "chunk_size"),
        *("bits_per_weight", "ratio", "snr_db"),
    }
    assert spot["huffman"]["chunk_size"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "sweep version 2, but this library reads version 1"),
        ({"kind": "profile"}, "not a sweep"),
        ({"profile": {}}, "not a profile"),
    ],
)
def test_files_that_are_no_sweeps(
    swept: mp.Sensitivity, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(swept.to_dict() | change))
    with pytest.raises(mp.FormatError, match=message):
        mp.Sensitivity.load(path)
    path.write_text("{")
    with pytest.raises(mp.FormatError, match="not JSON, so not a sweep"):
        mp.Sensitivity.load(path)


def test_a_profile_is_no_sweep_and_a_sweep_no_profile(
    swept: mp.Sensitivity, tmp_path: Path
) -> None:
    swept.save(tmp_path / "sweep.json")
    with pytest.raises(mp.FormatError, match="not a profile"):
        mp.Profile.load(tmp_path / "sweep.json")
    swept.profile.save(tmp_path / "profile.json")
    with pytest.raises(mp.FormatError, match="not a sweep"):
        mp.Sensitivity.load(tmp_path / "profile.json")


def test_text(swept: mp.Sensitivity) -> None:
    text = repr(swept)
    assert text.count("At no lower SNR than") == 6
    assert "Sweet spot, at " in text
    for spot in swept.best(bits=8, granularity="tensor"):
        row = next(line for line in text.splitlines() if line.startswith(f"{spot.role} "))
        assert f"{spot.packed.bits_per_weight:.2f}" in row
        assert ("none" in row) == (spot.sweet_spot is None)
    for width in (60, 80, 200):
        assert max(map(len, render_text(swept, width).splitlines())) <= width
