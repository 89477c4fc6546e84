"""Arguments of `profile`, and models that cannot be profiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py import demo

QUERY = "model.decoder.layers.0.self_attn.q_proj.weight"
UP = "model.decoder.layers.0.fc1.weight"


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_scalars_and_sequences_mean_the_same() -> None:
    model = {UP: ones(4, 8)}
    scalar = mp.profile(model, bits=4, granularity="row", chunk_sizes=2)
    listed = mp.profile(model, bits=[4], granularity=["row"], chunk_sizes=range(2, 3))
    assert scalar == listed


def test_numbers_of_numpy() -> None:
    plain = mp.profile({UP: ones(4, 8)}, bits=4, threads=2, symmetric=False)
    numpy = {"bits": np.int64(4), "threads": np.int64(2), "symmetric": np.bool_(False)}
    assert mp.profile({UP: ones(4, 8)}, **numpy) == plain


def test_what_is_asked_twice_is_done_once() -> None:
    made = mp.profile({UP: ones(4, 8)}, bits=(8, 8), granularity=("row", "row"), chunk_sizes=(2, 2))
    assert len(made.weights[0].packings) == 1


def test_keys_of_quantizers_and_their_product_mean_the_same() -> None:
    model = {UP: ones(4, 8)}
    product = mp.profile(model, bits=(8, 4), granularity=("row", "group:2"), chunk_sizes=2)
    keys = ["int8:row", "int8:group:2", "int4:row", "int4:group:2"]
    assert mp.profile(model, quantizers=keys, chunk_sizes=2) == product
    asymmetric = mp.profile(model, granularity="row", symmetric=False, chunk_sizes=2)
    assert mp.profile(model, quantizers="int8:row:asym", chunk_sizes=2) == asymmetric


def test_quantizers_and_what_they_stand_in_the_place_of() -> None:
    for given in ({"bits": 8}, {"granularity": "row"}, {"symmetric": True}):
        name = next(iter(given))
        for verb in (mp.profile, mp.sweep):
            with pytest.raises(ValueError, match=f"quantizers and {name} were given"):
                verb({UP: ones(4, 8)}, quantizers="int8:row", **given)


def test_both_kinds_of_codes_side_by_side() -> None:
    values = np.random.default_rng(3).standard_normal((4, 8)).astype(np.float32)
    made = mp.profile({UP: values}, quantizers=("int8:row", "int8:row:asym"), chunk_sizes=2)
    assert made.settings.symmetric is None
    plain, shifted = made.summary()
    assert (plain.granularity, shifted.granularity) == ("row", "row")
    assert shifted.total.scales - plain.total.scales == 8 / 8  # a zero point a row of 8
    assert "INT8, one scale per row" in repr(made)
    assert "INT8 with zero points, one scale per row" in repr(made)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"quantizers": "int9:row"}, ValueError, "quantizer 'int9:row': bits=9: expected 2 to 8"),
        (
            {"quantizers": "stored"},
            ValueError,
            "always applies to weights that are stored as 8-bit integers",
        ),
        ({"quantizers": 8}, TypeError, "a quantizer must be a key such as 'int8:row', not int"),
        ({"quantizers": []}, ValueError, "quantizers is empty"),
        ({"bits": 9}, ValueError, "bits=9: expected 2 to 8"),
        ({"bits": ()}, ValueError, "bits is empty"),
        ({"bits": "8"}, TypeError, "bits must be an integer"),
        ({"granularity": "channel"}, ValueError, "expected tensor, row, or group:N"),
        ({"chunk_sizes": (2, 17)}, ValueError, "chunk size 17: expected 1 to 16"),
        ({"chunk_sizes": 2.5}, TypeError, "a chunk size is an integer"),
        ({"along": "rows"}, ValueError, "expected 'in' or 'out'"),
        ({"threads": 0}, ValueError, "threads=0: expected a positive number"),
        ({"threads": 1.5}, ValueError, "threads=1.5"),
        ({"threads": True}, ValueError, "threads=True"),
        ({"threads": "2"}, ValueError, "threads='2'"),
        ({"threads": -1}, ValueError, "threads=-1: expected 1 to 1024"),
        ({"threads": 2**70}, ValueError, "expected 1 to 1024"),
        ({"granularity": "group:99999999999999999999"}, ValueError, "1 to 2147483647"),
        ({"symmetric": "no"}, TypeError, "symmetric='no': expected True or False"),
        ({"verify": 0}, TypeError, "verify=0: expected True or False"),
        ({"roles": 3}, TypeError, "a role must be a string, not int: 3"),
        ({"roles": ["mlp", None]}, TypeError, "a role must be a string, not NoneType"),
        (
            {"roles": "attention"},
            ValueError,
            "no weight has the role 'attention': expected one of mlp.up",
        ),
        ({"roles": []}, ValueError, "roles is empty"),
    ],
)
def test_arguments_out_of_range(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mp.profile({UP: ones(4, 8)}, **options)


def test_roles_choose_by_name_or_kind() -> None:
    made = mp.profile(demo.checkpoint(), roles="attention", granularity="row", chunk_sizes=2)
    assert {weight.role for weight in made.weights} == {f"attention.{part}" for part in "qkvo"}
    assert made.model.skipped_weights == 10
    one = mp.profile(demo.checkpoint(), roles=["mlp.up"], granularity="row", chunk_sizes=2)
    assert [weight.layer for weight in one.weights] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "model",
    [
        {"bias": ones(8)},
        {"scalar": np.array(1.0, np.float32)},
        {"ids": np.ones((3, 4), np.int64)},
    ],
)
def test_a_model_without_matrices(model: dict[str, np.ndarray]) -> None:
    name = next(iter(model))
    with pytest.raises(ValueError, match=f"no matrices to profile among its 1 tensors.*{name}"):
        mp.profile(model)


@pytest.mark.parametrize("shape", [(0, 8), (8, 0)])
def test_an_empty_weight_is_named(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"fc1.weight.*empty"):
        mp.profile({UP: ones(*shape)})


def test_empty_weights_are_left_out() -> None:
    whole = mp.profile({UP: ones(4, 8)}, chunk_sizes=2)
    made = mp.profile(
        {"a.weight": np.zeros((0, 64), np.float32), UP: ones(4, 8), "b": np.zeros((3, 0), np.int8)},
        chunk_sizes=2,
    )
    assert made.weights == whole.weights
    assert (made.model.tensors, made.model.other_tensors, made.model.other_values) == (3, 2, 0)
    assert "not matrices, or empty: 2 tensors of 0 values" in repr(made)


def test_a_bad_weight_is_named_with_its_file_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    weight = ones(6, 8)
    weight[3, 7] = np.nan
    save_file({UP: weight, QUERY: ones(4, 8)}, path)
    with pytest.raises(ValueError, match="finite") as caught:
        mp.profile(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: {UP}: expected finite weights, found NaN at [3, 7]; ")
    assert "--role" in said
    assert len(mp.profile(path, roles="attention", chunk_sizes=2).weights) == 1


@pytest.mark.parametrize("shape", [(2, 3, 8), (2, 3, 2, 2, 8), (2, 3, 2, 8)])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_integers_of_more_dimensions_follow_the_rule_of_floats(
    shape: tuple[int, ...], dtype: Any
) -> None:
    codes = np.random.default_rng(0).integers(0, 9, shape).astype(dtype)
    flat = mp.profile({"conv": codes.reshape(-1, 8)}, chunk_sizes=2)
    made = mp.profile({"conv": codes, "b": np.ones(3, dtype)}, chunk_sizes=2)
    assert made.weights == flat.weights
    as_floats = mp.profile({"conv": codes.astype(np.float32)}, chunk_sizes=2)
    assert made.weights[0].shape == as_floats.weights[0].shape
    assert made.model.other_tensors == 1


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_nan_and_infinity_name_weight_and_index(bad: float, dtype: Any) -> None:
    weight = ones(6, 8)
    weight[4, 5] = bad
    with pytest.raises(ValueError, match=r"layers.0.fc1.weight.*4, ?5"):
        mp.profile({UP: weight.astype(dtype)})


def test_five_dimensions_are_seen_as_a_matrix() -> None:
    made = mp.profile({"conv": np.random.default_rng(0).random((2, 3, 4, 5, 6))}, chunk_sizes=2)
    assert made.weights[0].shape == (120, 6)
    assert made.weights[0].dtype == "F64"
    assert made.weights[0].floors["fields"] is None


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_layout_and_byte_order_do_not_matter(dtype: Any) -> None:
    weight = np.random.default_rng(0).standard_normal((12, 16)).astype(dtype)
    expected = mp.profile({UP: weight}).weights
    for same in (
        np.asfortranarray(weight),
        np.repeat(weight, 3, axis=1)[:, ::3],
        weight.astype(weight.dtype.newbyteorder(">")),
    ):
        assert mp.profile({UP: same}).weights == expected


@pytest.mark.parametrize(
    "dtype",
    [np.float64, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fnuz],
)
def test_other_floats_are_widened(dtype: Any) -> None:
    weight = np.random.default_rng(0).standard_normal((12, 16)).astype(dtype)
    made = mp.profile({UP: weight}, chunk_sizes=2).weights[0]
    wide = mp.profile({UP: weight.astype(np.float32)}, chunk_sizes=2).weights[0]
    assert made.packings == wide.packings


@pytest.mark.parametrize("model", [None, 3, [], {"a": [1, 2]}, {"a": np.ones((2, 2), complex)}])
def test_what_is_no_model(model: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        mp.profile(model)


def test_a_fused_and_transposed_tensor_gives_three_weights() -> None:
    fused = np.random.default_rng(0).standard_normal((16, 48)).astype(np.float32)
    made = mp.profile({"transformer.h.0.attn.c_attn.weight": fused}, chunk_sizes=2)
    assert [weight.role for weight in made.weights] == [f"attention.{part}" for part in "qkv"]
    query = np.ascontiguousarray(fused[:, :16].T)
    assert made.weights[0].packings == mp.profile({QUERY: query}, chunk_sizes=2).weights[0].packings
    assert made.model.other_tensors == 0


def test_an_open_checkpoint_stays_open() -> None:
    checkpoint = demo.checkpoint()
    mp.profile(checkpoint, granularity="tensor", chunk_sizes=2, roles="embedding")
    assert checkpoint.weights[0].array().shape == (320, 192)
