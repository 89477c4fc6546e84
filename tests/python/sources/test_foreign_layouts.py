"""Weights that other libraries have packed: named, never counted as something else.

The files are written by the layouts that the libraries publish, with their names, dtypes, shapes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py.workload import shape_of

OUT, IN = 64, 256
BASE = "model.layers.0.mlp.up_proj"
F8 = ml_dtypes.float8_e4m3fn
Arrays = dict[str, Any]


def random(shape: tuple[int, ...], dtype: Any) -> Any:
    generator = np.random.default_rng(3)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return generator.integers(limits.min, limits.max, shape, dtype=dtype)
    return generator.standard_normal(shape).astype(np.float32).astype(dtype)


def gptq(bits: int, group: int) -> Arrays:
    return {
        f"{BASE}.qweight": random((IN * bits // 32, OUT), np.int32),
        f"{BASE}.qzeros": random((IN // group, OUT * bits // 32), np.int32),
        f"{BASE}.scales": random((IN // group, OUT), np.float16),
        f"{BASE}.g_idx": np.arange(IN, dtype=np.int32) // group,
    }


def awq() -> Arrays:
    return {
        f"{BASE}.qweight": random((IN, OUT // 8), np.int32),
        f"{BASE}.qzeros": random((IN // 128, OUT // 8), np.int32),
        f"{BASE}.scales": random((IN // 128, OUT), np.float16),
    }


def bnb_4bit(kind: str, nested: bool) -> Arrays:
    told = {"quant_type": kind, "blocksize": 64, "dtype": "bfloat16", "shape": [OUT, IN]}
    made = {
        f"{BASE}.weight": random((OUT * IN // 2, 1), np.uint8),
        f"{BASE}.weight.absmax": random((OUT * IN // 64,), np.uint8 if nested else np.float32),
        f"{BASE}.weight.quant_map": random((16,), np.float32),
        f"{BASE}.weight.quant_state.bitsandbytes__{kind}": np.frombuffer(
            json.dumps(told).encode(), np.uint8
        ),
    }
    if nested:
        made[f"{BASE}.weight.nested_absmax"] = random((OUT * IN // 64 // 256,), np.float32)
        made[f"{BASE}.weight.nested_quant_map"] = random((256,), np.float32)
    return made


def bnb_8bit() -> Arrays:
    return {
        f"{BASE}.weight": random((OUT, IN), np.int8),
        f"{BASE}.SCB": random((OUT,), np.float32),
        f"{BASE}.weight_format": np.zeros((), np.uint8),
    }


def scaled(dtype: Any, ending: str, scales: tuple[int, ...], kind: Any = np.float32) -> Arrays:
    shape = (OUT, IN // 2) if dtype == np.uint8 else (OUT, IN)
    return {f"{BASE}.weight": random(shape, dtype), f"{BASE}.{ending}": random(scales, kind)}


def compressed(bits: int, group: int) -> Arrays:
    return {
        f"{BASE}.weight_packed": random((OUT, IN * bits // 32), np.int32),
        f"{BASE}.weight_scale": random((OUT, IN // group), ml_dtypes.bfloat16),
        f"{BASE}.weight_shape": np.array([OUT, IN], np.int64),
    }


def compressed_float(group: int, kind: Any) -> Arrays:
    made = {
        f"{BASE}.weight_packed": random((OUT, IN // 2), np.uint8),
        f"{BASE}.weight_scale": random((OUT, IN // group), kind),
    }
    if kind is F8:
        made[f"{BASE}.weight_global_scale"] = random((1,), np.float32)
    return made


class Case(NamedTuple):
    make: Callable[[], Arrays]
    layout: str
    stored: str
    shape: tuple[int, ...] | None = (OUT, IN)
    exact: bool = False
    method: str | None = None


CASES = {
    "GPTQ 4": Case(lambda: gptq(4, 128), "gptq", "by GPTQ with 4 bits and a scale for every 128"),
    "GPTQ 8": Case(lambda: gptq(8, 32), "gptq", "by GPTQ with 8 bits and a scale for every 32"),
    "GPTQ 2": Case(lambda: gptq(2, 64), "gptq", "by GPTQ with 2 bits and a scale for every 64"),
    "AWQ": Case(awq, "awq", "by AWQ with 4 bits and a scale for every 128"),
    "NF4": Case(
        lambda: bnb_4bit("nf4", False),
        "bnb-4bit",
        "by bitsandbytes as NF4 with a scale for every 64",
    ),
    "NF4 nested": Case(
        lambda: bnb_4bit("nf4", True),
        "bnb-4bit",
        "by bitsandbytes as NF4 with a scale for every 64",
    ),
    "NF4 without JSON": Case(
        lambda: {k: v for k, v in bnb_4bit("nf4", False).items() if "quant_state" not in k},
        "bnb-4bit",
        "by bitsandbytes with 4 bits",
        None,
    ),
    "FP4": Case(lambda: bnb_4bit("fp4", True), "bnb-4bit", "by bitsandbytes as FP4"),
    "LLM.int8": Case(bnb_8bit, "bnb-8bit", "by bitsandbytes as INT8", exact=True),
    "FP8 blocks": Case(
        lambda: scaled(F8, "weight_scale_inv", (1, 2)),
        "fp8",
        r"as FP8 \(F8_E4M3\) with a scale for every 8192",
    ),
    "FP8 rows": Case(
        lambda: scaled(F8, "weight_scale", (OUT, 1)), "fp8", "with a scale for every 256"
    ),
    "FP8 one scale": Case(
        lambda: scaled(F8, "weight_scale", ()), "fp8", "with one scale", exact=True
    ),
    "FP8 of DeepSeek": Case(
        lambda: scaled(F8, "scale", (1, 2), ml_dtypes.float8_e8m0fnu), "fp8", "as FP8"
    ),
    "MXFP8": Case(
        lambda: scaled(F8, "weight_scale", (OUT, IN // 32), np.uint8),
        "fp8",
        r"as FP8 \(F8_E4M3\) with a scale for every 32",
    ),
    "MXFP4": Case(
        lambda: scaled(np.uint8, "weight_scale", (OUT, IN // 32), np.uint8),
        "mxfp4",
        "as MXFP4 with a scale for every 32",
    ),
    "MXFP4 experts": Case(
        lambda: {
            "model.layers.0.mlp.experts.down_proj_blocks": random((4, OUT, IN // 32, 16), np.uint8),
            "model.layers.0.mlp.experts.down_proj_scales": random((4, OUT, IN // 32), np.uint8),
        },
        "mxfp4",
        "as MXFP4 with a scale for every 32",
        (4, OUT, IN),
    ),
    "NVFP4": Case(
        lambda: scaled(np.uint8, "weight_scale", (OUT, IN // 16), F8),
        "nvfp4",
        "as NVFP4 with a scale for every 16",
    ),
    "INT8": Case(lambda: scaled(np.int8, "weight_scale", (OUT, 1)), "int8", "as INT8", exact=True),
    "compressed 4": Case(
        lambda: compressed(4, 128),
        "compressed-tensors",
        "by compressed-tensors with 4 bits and a scale for every 128",
    ),
    "compressed 8": Case(
        lambda: compressed(8, 64), "compressed-tensors", "with 8 bits and a scale for every 64"
    ),
    "compressed NVFP4": Case(
        lambda: compressed_float(16, F8), "nvfp4", "by compressed-tensors as NVFP4 with a scale for"
    ),
    "compressed MXFP4": Case(
        lambda: compressed_float(32, np.uint8), "mxfp4", "by compressed-tensors as MXFP4"
    ),
    "torchao": Case(
        lambda: {
            f"{BASE}._weight_qdata": random((OUT, IN), np.int8),
            f"{BASE}._weight_scale": random((OUT, 1), np.float32),
        },
        "torchao",
        "by torchao",
        None,
    ),
    "quanto": Case(
        lambda: {
            f"{BASE}.weight._data": random((OUT, IN), np.int8),
            f"{BASE}.weight._scale": random((OUT, 1), np.float32),
        },
        "quanto",
        "by quanto",
        None,
    ),
    "HQQ": Case(lambda: {f"{BASE}.W_q": random((OUT, IN // 2), np.uint8)}, "hqq", "by HQQ", None),
    "unknown here": Case(
        lambda: {f"{BASE}.weight": random((OUT // 4, IN), np.uint8)},
        "bitnet",
        "with quant_method 'bitnet'",
        None,
        method="bitnet",
    ),
}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    plain = {"model.embed_tokens.weight": random((100, IN), np.float16)}
    save_file(case.make() | plain, made / "model.safetensors")
    config: dict[str, Any] = {"model_type": "llama"}
    if case.method is not None:
        config["quantization_config"] = {"quant_method": case.method}
    (made / "config.json").write_text(json.dumps(config))
    return made


def test_recognised(case: Case, folder: Path) -> None:
    with mp.open_checkpoint(folder) as checkpoint:
        (found,) = checkpoint.foreign
        assert (found.layout, found.exact) == (case.layout, case.exact)
        assert found.shape == case.shape
        assert set(found.tensors) == set(checkpoint.tensors) - {"model.embed_tokens.weight"}
        codes = checkpoint.tensors[found.tensors[0]]
        assert codes.nbytes == max(checkpoint.tensors[name].nbytes for name in found.tensors)


def test_profiles_name_it(case: Case, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    if not case.exact:
        for ask in (mp.profile, mp.sweep, mp.load):
            with pytest.raises(
                ValueError, match=rf"1 weight is stored .*{case.stored}.*not read here"
            ):
                ask(folder)
        return
    with caplog.at_level(logging.WARNING):
        made = mp.profile(folder)
    assert "counted as the codes that are stored" in caplog.text
    assert {weight.shape for weight in made.weights} == {(100, IN), (OUT, IN)}
    with pytest.raises(ValueError, match="not read here"):
        mp.load(folder)


def test_packing_is_lossless_and_keeps_the_layout(case: Case, folder: Path, tmp_path: Path) -> None:
    mp.pack(folder, tmp_path / "packed")
    mp.verify(tmp_path / "packed")
    with (
        mp.open_checkpoint(folder) as before,
        mp.open_checkpoint(tmp_path / "packed") as now,
    ):
        assert now.foreign == before.foreign
        assert now.foreign[0].layout == case.layout


@pytest.mark.parametrize(
    "arrays",
    [
        {"layers.0.weight": random((OUT, IN), np.int8)},
        {"layers.0.weight": random((OUT, IN), F8)},
        {"layers.0.weight": random((OUT, IN), np.float16), "layers.0.scale": np.ones(OUT, F8)},
        {"layers.0.weight": random((OUT, IN), np.float32), "x_blocks": random((4, 4), np.float32)},
    ],
    ids=["INT8 alone", "FP8 alone", "scale of floats", "blocks of floats"],
)
def test_plain_weights_are_not_taken_for_packed_ones(arrays: Arrays) -> None:
    checkpoint = mp.open_checkpoint(arrays)
    assert checkpoint.foreign == []
    assert mp.profile(checkpoint).weights


def test_what_bitsandbytes_says_may_be_damaged(tmp_path: Path) -> None:
    key = f"{BASE}.weight.quant_state.bitsandbytes__nf4"
    for text in (b"{", b"[]", b'{"shape": [true, -1], "blocksize": "64"}', b"\xff" * 100_000):
        arrays = bnb_4bit("nf4", False) | {key: np.frombuffer(text, np.uint8)}
        save_file(arrays, tmp_path / "x.safetensors")
        with mp.open_checkpoint(tmp_path / "x.safetensors") as checkpoint:
            (found,) = checkpoint.foreign
            assert (found.layout, found.shape) == ("bnb-4bit", None)


def test_shapes_follow_from_the_configuration(tmp_path: Path) -> None:
    """Not from those of the codes, in simulations and plans of a single file."""
    config = {
        "model_type": "llama",
        "hidden_size": IN,
        "intermediate_size": OUT,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 100,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(gptq(4, 128), tmp_path / "model.safetensors")
    of_file = shape_of(tmp_path / "model.safetensors")
    of_config = shape_of(tmp_path / "config.json")
    assert of_file.linear_weights_per_layer == of_config.linear_weights_per_layer
    assert (of_file.layers, of_file.intermediate) == (2, OUT)
