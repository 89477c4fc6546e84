"""Every list of forms comes from the registry, and one more form needs nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from toy_form import ToyForm
from typer.testing import CliRunner
from weights import products, weight

import meadow_py as mp
from meadow_py import _core, forms
from meadow_py.cli.app import app
from meadow_py.measure import candidates_of


def logits(model: mp.Model) -> npt.NDArray[np.uint32]:
    engine = model.loaded.engine
    found = engine.forward(np.arange(9, dtype=np.int32), _core.Cache(engine, 16), "all")
    return found.view(np.uint32)


def test_requests_and_what_they_name() -> None:
    assert forms.requests() == ("auto", "dense", "packed", "int8", "int8-tensor", "q8")
    assert forms.requests(lossless=True) == ("auto", "dense", "packed")
    assert forms.requests(lossless=False) == ("int8", "int8-tensor", "q8")
    keys = {key for form in forms.forms() for key in form.requests.values()}
    assert keys == {None, "int8:row", "int8:tensor", "q8"}
    with pytest.raises(ValueError, match="form='int4': expected one of auto, dense, packed, int8"):
        forms.make(weight("F32", 2, 3), "int4")


def test_a_toy_form_runs_a_model() -> None:
    with pytest.raises(ValueError, match="form='toy'"):
        mp.load(form="toy")
    with forms.registered(ToyForm()):
        assert forms.requests(lossless=True) == ("auto", "dense", "packed", "toy")
        toy, dense = mp.load(form="toy"), mp.load(form="dense")
        assert set(toy.forms) == {"toy indices"}
        assert np.array_equal(logits(toy), logits(dense))
    assert "toy" not in forms.requests()


def test_a_toy_form_is_pickled_and_taken_apart() -> None:
    with forms.registered(ToyForm()):
        matrix = forms.make(weight("BF16"), "toy")
        parts = forms.parts_of(matrix)
        assert {name: array.dtype.name for name, array in parts.arrays.items()} == ToyForm.parts
        assert 2 * matrix.rows * matrix.columns < parts.nbytes < matrix.nbytes
        pickled = pickle.dumps(matrix)
        for again in (pickle.loads(pickled), forms.matrix_of(parts)):
            assert again.form == "toy indices"
            assert forms.parts_of(again).header == parts.header
            assert np.array_equal(products(again, 2), products(matrix, 2))
        names = [one.name for one in candidates_of(weight("BF16").values, "BF16")]
        assert names == ["dense", "packed", "toy"]
    with pytest.raises(ValueError, match="form 'toy indices': expected one of F32"):
        pickle.loads(pickled)


def test_ids_and_requests_that_are_taken() -> None:
    class Again(ToyForm):
        id = "planes"

    with pytest.raises(ValueError, match="'planes' is registered already"):
        forms.register(Again())
    matrix = forms.make(weight("F32", 2, 3), "dense")
    parts = forms.MatrixParts("toy indices", 3, 3)
    with pytest.raises(ValueError, match="expected the shape of the matrix, 2 x 3, found 3 x 3"):
        forms.decoded(parts, matrix)


def test_the_page_and_the_command_line_name_every_form() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api" / "forms.rst").read_text()
    assert all(f"``{form.id}``" in page for form in forms.forms())
    speed = (Path(__file__).parents[3] / "docs" / "speed.md").read_text()
    assert all(f"| `{request}` |" in speed for request in forms.requests())
    ran = CliRunner().invoke(app, ["run", "--form", "int4"])
    assert "expected one of auto, dense, packed, int8, int8-tensor, q8" in ran.output
