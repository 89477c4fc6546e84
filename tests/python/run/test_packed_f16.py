"""Models whose weights need F16: packed they give the same bits as dense ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from small_models import CASES
from test_packed_forms import logits, saved_in

import meadow_py as mp
from meadow_py import _core, forms
from meadow_py.measure import candidates_of, compare_products

ROWS, COLUMNS = 132, 1100


def halves(seed: int = 0) -> npt.NDArray[np.float16]:
    drawn = np.random.default_rng(seed).standard_normal((ROWS, COLUMNS), np.float32)
    return (0.02 * drawn).astype(np.float16)


def raw(values: npt.NDArray[np.float16]) -> npt.NDArray[np.uint8]:
    return values.reshape(-1).view(np.uint8)


@pytest.mark.parametrize("label", ["opt", "llama"])
def test_logits_of_every_isa(label: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.label == label)
    folder = saved_in(case, "float16", tmp_path)
    before = _core.isa_active()
    expected = None
    try:
        for isa in _core.isa_available():
            _core.isa_select(isa)
            for form in ("dense", "packed", "auto"):
                found = logits(mp.load(folder, form=form), 2)
                expected = found if expected is None else expected
                assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    finally:
        _core.isa_select(before)


def test_a_real_model_in_f16_writes_the_same_tokens(shared_data: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = shared_data / "weights" / "babyllama-105"
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    rounded = {name: values.astype(np.float16) for name, values in tensors.items()}
    save_file(rounded, tmp_path / "model.safetensors", metadata={"format": "pt"})
    dense, packed = mp.load(tmp_path, form="dense"), mp.load(tmp_path, form="packed")
    assert set(dense.forms) == {"F16"}
    assert "F16 planes" in packed.forms
    assert packed.bytes_per_token < dense.bytes_per_token
    assert np.array_equal(logits(dense, 1).view(np.uint32), logits(packed, 2).view(np.uint32))
    texts = [[t.id for t in model.generate("The", max_tokens=50)] for model in (dense, packed)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_the_form_and_its_bytes(dtype: str) -> None:
    values = halves() if dtype == "F16" else halves().astype(np.float32)
    forms = candidates_of(values, dtype)
    packed = forms[1].make()
    assert (packed.form, packed.rows, packed.columns) == ("F16 planes", ROWS, COLUMNS)
    assert 14.0 < 8 * packed.nbytes / values.size < 14.9  # rows and columns are filled up
    assert np.array_equal(packed.row(ROWS - 1), values[-1].astype(np.float32))
    for tokens in (1, 3, 40):
        assert compare_products(forms, tokens=tokens, rounds=1, keep_bytes=1).same_bits


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_and_infinities_stay_dense(odd: float) -> None:
    values = halves()
    values[7, 11] = odd
    assert [form.name for form in candidates_of(values, "F16")] == ["dense"]
    with pytest.raises(
        ValueError, match="finite F16, found NaN or an infinity in row 7, column 11"
    ):
        _core.f16_planes_matrix(raw(values), ROWS, COLUMNS)


def test_elements_that_are_missing_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 132 x 1101 elements of 2 bytes"):
        _core.f16_planes_matrix(raw(halves()), ROWS, COLUMNS + 1)
    with pytest.raises(ValueError, match="found none"):
        _core.f16_planes_matrix(b"", 0, COLUMNS)


def test_auto_stays_dense_where_packing_was_measured_to_lose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isa = _core.isa_active()
    for slower, expected in (((isa,), "F16"), ((), "F16 planes")):
        monkeypatch.setattr(forms.form_of("F16 planes"), "slower_than_dense", slower)
        weight = forms.FloatWeight.of(halves())
        assert forms.make(weight, "auto").form == expected
        assert forms.make(weight, "packed").form == "F16 planes"
        wide = forms.FloatWeight.of(halves().astype(np.float32))
        assert forms.make(wide, "auto").form == "F16 planes"  # half the bytes of F32


def test_a_weight_too_small_to_gain_stays_dense() -> None:
    assert forms.make(forms.FloatWeight.of(halves()[:1, :5]), "packed").form == "F16"
