"""The parts of fused tensors compute what the module computes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saved_models import GATED, GPT2, WIDTHS, Case, build, save, shapes_of

from meadow_py.architectures import Part, WeightSpec, resolve

torch = pytest.importorskip("torch")


def _specs(case: Case, folder: Path) -> tuple[Any, dict[str, WeightSpec], dict[str, Any]]:
    model = build(case)
    config, arrays = save(model, folder)
    shapes = shapes_of(arrays)
    return model, {spec.name: spec for spec in resolve(config, shapes).weights(shapes)}, arrays


def _inputs(width: int) -> Any:
    return torch.randn(1, 5, width, generator=torch.Generator().manual_seed(3))


def _product(inputs: Any, spec: WeightSpec, arrays: dict[str, Any]) -> Any:
    matrix = np.ascontiguousarray(spec.view(arrays[spec.tensor]))
    return inputs @ torch.from_numpy(matrix).T


def test_gpt2_parts_give_the_queries_keys_and_values(tmp_path: Path) -> None:
    model, specs, arrays = _specs(Case("gpt2", "GPT2", GPT2, "LMHeadModel"), tmp_path)
    module = model.transformer.h[1].attn.c_attn
    with torch.no_grad():
        module.bias.zero_()
        outputs = module(_inputs(24)).split(24, dim=2)
    for label, output in zip("qkv", outputs, strict=True):
        spec = specs[f"transformer.h.1.attn.c_attn.weight[{label}]"]
        assert spec.role == f"attention.{label}"
        assert spec.shape == (24, 24)
        assert torch.allclose(_product(_inputs(24), spec, arrays), output, atol=1e-6)


def test_gpt2_other_matrices_are_turned_back(tmp_path: Path) -> None:
    model, specs, arrays = _specs(Case("gpt2", "GPT2", GPT2, "LMHeadModel"), tmp_path)
    module = model.transformer.h[0].mlp.c_fc
    spec = specs["transformer.h.0.mlp.c_fc.weight"]
    assert spec.shape == (96, 24)
    with torch.no_grad():
        expected = module(_inputs(24)) - module.bias
    assert torch.allclose(_product(_inputs(24), spec, arrays), expected, atol=1e-6)


def test_gpt_neox_parts_follow_the_heads(tmp_path: Path) -> None:
    case = Case("gpt_neox", "GPTNeoX", {**WIDTHS, "intermediate_size": 40})
    model, specs, arrays = _specs(case, tmp_path)
    captured: dict[str, Any] = {}
    attention = model.gpt_neox.layers[0].attention
    with torch.no_grad():
        attention.query_key_value.bias.zero_()
        fused = attention.query_key_value(_inputs(24))
    # As in GPTNeoXAttention.forward: [batch, tokens, heads, 3 * head_dim], then three chunks.
    for label, chunk in zip("qkv", fused.view(1, 5, 4, 18).chunk(3, dim=-1), strict=True):
        captured[label] = chunk.reshape(1, 5, 24)
    assert captured
    for label, output in captured.items():
        spec = specs[f"gpt_neox.layers.0.attention.query_key_value.weight[{label}]"]
        assert spec.role == f"attention.{label}"
        assert torch.allclose(_product(_inputs(24), spec, arrays), output, atol=1e-6)


def test_phi3_parts_follow_the_module(tmp_path: Path) -> None:
    model, specs, arrays = _specs(Case("phi3", "Phi3", GATED), tmp_path)
    layer = model.model.layers[0]
    with torch.no_grad():
        queries, keys, values = layer.self_attn.qkv_proj(_inputs(24)).split((24, 12, 12), dim=2)
        gate, up = layer.mlp.gate_up_proj(_inputs(24)).chunk(2, dim=-1)
    attention, mlp = "self_attn.qkv_proj.weight", "mlp.gate_up_proj.weight"
    for part, output in (
        (f"{attention}[q]", queries),
        (f"{attention}[k]", keys),
        (f"{attention}[v]", values),
        (f"{mlp}[gate]", gate),
        (f"{mlp}[up]", up),
    ):
        spec = specs[f"model.layers.0.{part}"]
        assert torch.allclose(_product(_inputs(24), spec, arrays), output, atol=1e-6)


def test_phi3_gates_what_its_forward_gates(tmp_path: Path) -> None:
    model, specs, arrays = _specs(Case("phi3", "Phi3", GATED), tmp_path)
    inputs, prefix = _inputs(24), "model.layers.0.mlp."
    gate = _product(inputs, specs[prefix + "gate_up_proj.weight[gate]"], arrays)
    up = _product(inputs, specs[prefix + "gate_up_proj.weight[up]"], arrays)
    down = _product(torch.nn.functional.silu(gate) * up, specs[prefix + "down_proj.weight"], arrays)
    with torch.no_grad():
        assert torch.allclose(down, model.model.layers[0].mlp(inputs), atol=1e-6)


def test_gpt_neox_without_heads_stays_whole() -> None:
    shapes = {
        "gpt_neox.layers.0.attention.query_key_value.weight": (72, 24),
        "gpt_neox.layers.0.mlp.dense_h_to_4h.weight": (96, 24),
    }
    for config in (None, {"model_type": "gpt_neox"}):
        architecture = resolve(config, shapes)
        assert architecture.family == "gpt_neox"
        fused = architecture.weights(shapes)[0]
        assert (fused.role, fused.part, fused.shape) == ("other", None, (72, 24))


def test_sizes_that_contradict_the_configuration_are_not_split() -> None:
    config = {"model_type": "phi3", "hidden_size": 24, "num_attention_heads": 4}
    shapes = {"model.layers.0.self_attn.qkv_proj.weight": (70, 24)}
    (spec,) = resolve(config, shapes).weights(shapes)
    assert (spec.role, spec.part) == ("other", None)


def test_names_like_gpt2_with_linear_shapes_are_not_transposed() -> None:
    shapes = {"transformer.h.0.attn.c_attn.weight": (72, 24), "lm_head.weight": (96, 24)}
    specs = resolve(None, shapes).weights(shapes)
    assert [spec.transposed for spec in specs] == [False] * 4
    assert [spec.shape for spec in specs] == [(24, 24)] * 3 + [(96, 24)]


def test_another_model_type_with_gpt2_names_is_not_split() -> None:
    # GPTBigCode interleaves its c_attn per head and calls it as GPT-2 does.
    shapes = {"transformer.h.0.attn.c_attn.weight": (72, 24)}
    (spec,) = resolve({"model_type": "gpt_bigcode"}, shapes).weights(shapes)
    assert (spec.role, spec.part) == ("other", None)


def test_plain_parts_are_views_and_interleaved_ones_copies() -> None:
    stored = np.arange(72 * 4, dtype=np.float32).reshape(4, 72)
    plain = WeightSpec("w[k]", "attention.k", 0, "w", (24, 4), True, Part("k", 1, 72, 24, 48))
    assert np.shares_memory(plain.view(stored), stored)
    assert np.array_equal(plain.view(stored), stored[:, 24:48].T)
    heads = WeightSpec("w[k]", "attention.k", 0, "w", (24, 4), False, Part("k", 3, 24, 8, 16))
    rows = np.r_[8:16, 32:40, 56:64]
    assert np.array_equal(heads.view(stored.T), stored.T[rows])


def test_view_takes_raw_blocks_and_any_byte_order() -> None:
    spec = WeightSpec("w[v]", "attention.v", 0, "w", (4, 32), False, Part("v", 1, 12, 8, 12))
    blocks = np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)
    assert np.array_equal(spec.view(blocks), blocks[8:])
    big_endian = np.arange(12 * 32, dtype=">f4").reshape(12, 32)
    assert spec.view(big_endian).dtype == np.dtype(">f4")


@pytest.mark.parametrize("shape", [(), (12,), (11, 32), (12, 31), (32, 12), (2, 3, 32)])
def test_view_refuses_another_tensor(shape: tuple[int, ...]) -> None:
    spec = WeightSpec("w[v]", "attention.v", 0, "w", (4, 32), False, Part("v", 1, 12, 8, 12))
    with pytest.raises(ValueError, match=r"w: expected .*found"):
        spec.view(np.zeros(shape, np.float32))
