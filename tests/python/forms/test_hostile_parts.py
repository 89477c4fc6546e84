"""Parts that contradict themselves are refused, or give some product; none ends the process."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from weights import all_matrices

from meadow_py import FormatError, forms
from meadow_py.forms import MatrixParts

SHAPE = (18, 70)
NAMES = tuple(all_matrices(*SHAPE))


def parts_of(name: str) -> MatrixParts:
    return forms.parts_of(all_matrices(*SHAPE)[name])


def changed(parts: MatrixParts, **arrays: Any) -> MatrixParts:
    return MatrixParts.from_header(parts.header, {**parts.arrays, **arrays})


def accepted(parts: MatrixParts) -> bool:
    """Computes with what is not refused."""
    try:
        matrix = forms.matrix_of(parts)
    except (ValueError, TypeError):
        return False
    for tokens in (1, 2, 34):
        x = np.ones((tokens, matrix.columns), np.float32)
        assert matrix.multiply(x).shape == (tokens, matrix.rows)
        matrix.multiply(x, activations="BF16")
    for row in range(matrix.rows):
        matrix.row(row)
    return True


@pytest.mark.parametrize("name", NAMES)
def test_every_prefix_and_more_is_refused(name: str) -> None:
    parts = parts_of(name)
    tried = 0
    for part, array in parts.arrays.items():
        for size in range(0, array.size, max(1, array.size // 50)):
            assert not accepted(changed(parts, **{part: array[:size]})), (part, size)
            tried += 1
        more = np.concatenate([array, np.ones(1, array.dtype)])
        assert not accepted(changed(parts, **{part: more})), part
        rest = {key: value for key, value in parts.arrays.items() if key != part}
        assert not accepted(MatrixParts.from_header(parts.header, rest)), part
    assert tried
    assert not accepted(changed(parts, another=np.zeros(3, np.uint8)))


@pytest.mark.parametrize("name", NAMES)
def test_flips_and_random_mutations(name: str) -> None:
    parts = parts_of(name)
    random = np.random.default_rng(5)
    counts = {True: 0, False: 0}
    for part, array in parts.arrays.items():
        raw = array.view(np.uint8)
        for at in np.unique(np.linspace(0, raw.size - 1, 300).astype(int)) if raw.size else ():
            for mask in (1, 0x80, 0xFF):
                damaged = aligned_copy(raw)
                damaged[at] ^= mask
                counts[accepted(changed(parts, **{part: damaged.view(array.dtype)}))] += 1
    for _ in range(300):
        arrays = {}
        for part, array in parts.arrays.items():
            damaged = aligned_copy(array.view(np.uint8))
            count = random.integers(0, 4)
            if damaged.size:
                places = random.integers(0, damaged.size, count)
                damaged[places] = random.integers(0, 256, count)
            arrays[part] = damaged.view(array.dtype)
        counts[accepted(changed(parts, **arrays))] += 1
    assert counts[True]
    has_tables = set(parts.arrays) & {"escaped", "heads"}
    assert bool(counts[False]) == bool(has_tables)


def aligned_copy(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return raw.copy()


@pytest.mark.parametrize("name", NAMES)
def test_other_headers(name: str) -> None:
    parts = parts_of(name)
    strange = [0, -1, 1, 2**40, 2**63, 2**64, 1.5, "70", None]
    for key in ("rows", "columns"):
        for value in strange:
            header = {**parts.header, key: value}
            assert not accepted(MatrixParts.from_header(header, parts.arrays)), (key, value)
        for value in (17, 19, 69, 71):  # some give the same sizes
            accepted(MatrixParts.from_header({**parts.header, key: value}, parts.arrays))
    for form in (*(form.id for form in forms.forms()), "no form"):
        if form != parts.form:
            header = {**parts.header, "form": form}
            accepted(MatrixParts.from_header(header, parts.arrays))
    if "per_scale" in parts.header:
        for scale in (*strange, 32, 64, 2**37, 2**42):
            accepted(MatrixParts.from_header({**parts.header, "per_scale": scale}, parts.arrays))
        header = {**parts.header, "activations": "int4"}
        with pytest.raises(ValueError, match="expected 'int8' or 'none', found 'int4'"):
            forms.matrix_of(MatrixParts.from_header(header, parts.arrays))


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_alignment_and_order(name: str) -> None:
    parts = parts_of(name)
    assert parts.arrays
    for part, array in parts.arrays.items():
        for wrong in (np.float64, np.int64, np.dtype(array.dtype).newbyteorder()):
            if np.dtype(wrong) != array.dtype:
                assert not accepted(changed(parts, **{part: array.astype(wrong)})), (part, wrong)
        assert not accepted(changed(parts, **{part: array.reshape(1, -1)})), part
        if array.size > 1:
            assert not accepted(changed(parts, **{part: np.repeat(array, 2)[::2]})), part
        if array.itemsize > 1:
            raw = np.zeros(array.nbytes + 1, np.uint8)
            raw[1:] = array.view(np.uint8)
            odd = np.frombuffer(raw.data, np.uint8)[1:].view(array.dtype)
            assert not accepted(changed(parts, **{part: odd})), part
    for part in {"escapes", "heads", "data"} & set(parts.arrays):
        array = parts.arrays[part]
        raw = np.zeros(array.nbytes + 1, np.uint8)
        raw[1:] = array
        if array.size and (part, parts.form) != ("escapes", "F16 planes"):
            with pytest.raises(ValueError, match=f"part '{part}' of .*expected an address"):
                forms.matrix_of(changed(parts, **{part: raw[1:]}))


def test_messages_name_what_expected_and_found() -> None:
    parts = parts_of("planes packed")
    escaped = parts.arrays["escaped"].copy()
    with pytest.raises(ValueError, match=r"part 'codes' of planes: expected 960 elements, found 9"):
        forms.matrix_of(changed(parts, codes=parts.arrays["codes"][:9]))
    with pytest.raises(TypeError, match="part 'escaped' of planes: expected uint32, found float32"):
        forms.matrix_of(changed(parts, escaped=escaped.view(np.float32)))
    with pytest.raises(TypeError, match="expected uint8, uint16, uint32 or float32, found int64"):
        forms.matrix_of(changed(parts, escaped=escaped.astype(np.int64)))
    escaped[1] = 1 << 31
    with pytest.raises(FormatError, match="escape of a group: expected one that is not before"):
        forms.matrix_of(changed(parts, escaped=escaped))
    with pytest.raises(ValueError, match="form 'MX4': expected one of F32, BF16, F16, planes"):
        forms.matrix_of(MatrixParts("MX4", 1, 1, {}, {}))
    with pytest.raises(ValueError, match="expected form, rows, columns, found no 'rows'"):
        MatrixParts.from_header({"form": "F32"}, {})


def test_escapes_of_integers_stay_in_8_bits_and_in_the_weight() -> None:
    parts = parts_of("INT8 planes int8-tensor")
    heads = parts.arrays["heads"].reshape(-1, 16)
    escapes = int(heads[0, 8:12].view(np.uint32)[0])
    assert escapes
    for value, what in ((0x7E00, "code of an escape"), (0x001F, "column of an escape")):
        data = parts.arrays["data"].copy()
        data[: 2 * escapes].view(np.uint16)[:] = value
        with pytest.raises(FormatError, match=f"integer planes: {what}: expected one"):
            forms.matrix_of(changed(parts, data=data))
