"""Matrices are taken apart and made again, in this process and in others, to the last bit."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from weights import COLUMNS, ROWS, all_matrices, products, unit_bytes, weight

import meadow_py as mp
from meadow_py import _core, forms
from meadow_py.forms import MatrixParts

NAMES = tuple(all_matrices(5, 40))


def test_there_is_a_matrix_of_every_form() -> None:
    made = all_matrices(5, 40)
    assert {matrix.form for matrix in made.values()} == {form.id for form in forms.forms()}


@pytest.mark.parametrize("shape", [(ROWS, COLUMNS), (1, 1), (17, 33)])
def test_parts_are_those_of_the_form_and_give_the_same_bits_on_every_isa(
    shape: tuple[int, int],
) -> None:
    before = _core.isa_active()
    made = all_matrices(*shape)
    try:
        assert made
        for isa in _core.isa_available():
            _core.isa_select(isa)
            for name, matrix in all_matrices(*shape).items():
                parts = forms.parts_of(matrix)
                expected = unit_bytes(matrix)
                declared = forms.form_of(matrix.form).parts
                for part, array in parts.arrays.items():
                    assert declared[part] == array.dtype.name, name
                    assert not array.flags.writeable
                for copies in (False, True):
                    again = forms.matrix_of(parts, copy=copies)
                    assert (again.form, again.nbytes) == (matrix.form, matrix.nbytes), name
                    assert unit_bytes(again) == expected, name
                    for row in (0, shape[0] - 1):
                        assert np.array_equal(again.row(row), matrix.row(row)), name
                # Parts that another ISA made give the same.
                other = forms.matrix_of(forms.parts_of(made[name]))
                assert unit_bytes(other) == expected, name
    finally:
        _core.isa_select(before)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_and_matrices_share_memory_and_keep_it(name: str) -> None:
    matrix = all_matrices()[name]
    expected = unit_bytes(matrix)
    parts = forms.parts_of(matrix)
    again = forms.matrix_of(parts)
    for part, array in forms.parts_of(again).arrays.items():
        if array.size:
            assert array.ctypes.data == parts.arrays[part].ctypes.data
    own = forms.parts_of(forms.matrix_of(parts, copy=True))
    assert all(
        array.size == 0 or array.ctypes.data != parts.arrays[part].ctypes.data
        for part, array in own.arrays.items()
    )
    header = json.loads(json.dumps(parts.header))
    arrays = dict(parts.arrays)
    assert parts.nbytes <= matrix.nbytes
    del matrix, parts, own
    gc.collect()
    assert unit_bytes(again) == expected
    assert unit_bytes(forms.matrix_of(MatrixParts.from_header(header, arrays))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_pickles_and_copies(name: str) -> None:
    matrix = all_matrices()[name]
    for again in (pickle.loads(pickle.dumps(matrix)), copy.deepcopy(matrix)):
        assert again is not matrix
        assert again.form == matrix.form
        assert unit_bytes(again) == unit_bytes(matrix)
    assert copy.copy(matrix) is matrix


def test_pickles_are_read_by_other_processes(tmp_path: Path) -> None:
    made = all_matrices()
    (tmp_path / "matrices").write_bytes(pickle.dumps(made))
    code = (
        "import pickle, sys; sys.path.insert(0, sys.argv[2]); from weights import unit_bytes;"
        "made = pickle.load(open(sys.argv[1], 'rb'));"
        "print({name: unit_bytes(matrix).hex() for name, matrix in made.items()})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "matrices"), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = {name: unit_bytes(matrix).hex() for name, matrix in made.items()}
    assert ran.stdout.strip() == str(expected)


def test_a_mapped_file_is_multiplied_where_it_lies(tmp_path: Path) -> None:
    matrix = forms.make(weight("F16"), "packed")
    parts = forms.parts_of(matrix)
    mapped = {}
    for name, array in parts.arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = forms.matrix_of(MatrixParts.from_header(parts.header, mapped))
    assert unit_bytes(again) == unit_bytes(matrix)
    at = forms.parts_of(again).arrays["codes"].ctypes.data
    assert at == mapped["codes"].ctypes.data


def test_parts_of_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    matrix = forms.make(weight("BF16"), "packed")
    parts = forms.parts_of(matrix)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in parts.arrays.items()}
    again = forms.matrix_of(MatrixParts.from_header(parts.header, tensors))
    assert forms.parts_of(again).arrays["codes"].ctypes.data == tensors["codes"].data_ptr()
    assert unit_bytes(again) == unit_bytes(matrix)


def test_stored_planes_of_a_packed_file_have_parts() -> None:
    of = weight("BF16")
    blob = _core.encode_planes(of.raw, "BF16", *of.shape)
    assert blob is not None
    stored = _core.mapped_matrix(blob)
    made = forms.make(of, "packed")
    found, expected = forms.parts_of(stored).arrays, forms.parts_of(made).arrays
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert np.array_equal(products(pickle.loads(pickle.dumps(stored)), 2), products(made, 2))


def test_an_engine_runs_on_matrices_made_of_parts() -> None:
    model = mp.load(form="packed")
    loaded = model.loaded
    again = pickle.loads(pickle.dumps(dict(loaded.matrices)))
    engine = _core.Engine(loaded.config.to_dict(), again, dict(loaded.vectors))
    tokens = np.arange(5, dtype=np.int32)
    found = engine.forward(tokens, _core.Cache(engine, 8), "all")
    expected = loaded.engine.forward(tokens, _core.Cache(loaded.engine, 8), "all")
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
