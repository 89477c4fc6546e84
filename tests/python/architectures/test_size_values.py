"""Sizes in a configuration that are no whole numbers: refused by name, never replaced."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from meadow_py.architectures import resolve
from meadow_py.architectures.dimensions import unreadable_size
from meadow_py.architectures.running import describe
from meadow_py.errors import FormatError
from meadow_py.sources.strict_json import read_object
from meadow_py.workload import shape_of

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": 24,
    "vocab_size": 40,
    "max_position_embeddings": 32,
}
GGUF: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 16,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.attention.key_length": 4,
    "llama.feed_forward_length": 24,
    "llama.vocab_size": 40,
    "llama.context_length": 32,
}
NO_SIZES: tuple[Any, ...] = (
    0,
    -8,
    "8",
    8.0,
    True,
    [],
    [2],
    [2, 0],
    [2, "2"],
    [2, 2, 2],
    {"all": 8},
)
KEYS = [
    (config, key)
    for config in (LLAMA, GGUF)
    for key in config
    if key not in ("model_type", "general.architecture")
]


@pytest.mark.parametrize(("config", "key"), KEYS, ids=[key for _, key in KEYS])
@pytest.mark.parametrize("value", NO_SIZES, ids=repr)
def test_a_size_that_is_no_number_is_refused_by_name(
    config: dict[str, Any], key: str, value: Any
) -> None:
    damaged = {**config, key: value}
    for read in (lambda: describe(resolve(damaged, {}), {}), lambda: shape_of(damaged)):
        with pytest.raises(ValueError, match="expected") as raised:
            read()
        assert f"configuration: {key}={value!r}: expected a whole number" in str(raised.value)


@pytest.mark.parametrize(
    ("config", "key"),
    [(LLAMA, "num_key_value_heads"), (GGUF, "llama.attention.head_count_kv")],
    ids=["transformers", "gguf"],
)
def test_kv_heads_of_each_layer(config: dict[str, Any], key: str) -> None:
    same = {**config, key: [2, 2]}
    assert describe(resolve(same, {}), {}).config.kv_heads == 2
    if config is LLAMA:  # a GGUF file's shape is read from its tensors too
        assert shape_of(same).kv_heads == 2
    differing = {**config, key: [2, 4]}
    for read in (lambda: describe(resolve(differing, {}), {}), lambda: shape_of(differing)):
        with pytest.raises(ValueError, match="greater than 0, the same for each layer"):
            read()


def test_a_size_that_cannot_be_read_is_not_replaced() -> None:
    sizes = resolve({**LLAMA, "num_key_value_heads": "8", "head_dim": "4"}, {}).dimensions
    assert sizes is not None
    assert (sizes.kv_heads, sizes.head_dim, sizes.heads) == (None, None, 4)
    inner = {"model_type": "gpt2", "n_embd": 16, "n_inner": "52"}
    sizes = resolve(inner, {}).dimensions
    assert sizes is not None
    assert sizes.intermediate is None
    assert unreadable_size(inner) is not None
    assert unreadable_size({**inner, "n_inner": None}) is None
    assert unreadable_size({"text_config": LLAMA}) is None


OPT = {**LLAMA, "model_type": "opt", "num_key_value_heads": 4}
BERT = {**LLAMA, "model_type": "bert", "num_key_value_heads": 4}
VIT = {**LLAMA, "model_type": "vit", "num_key_value_heads": 4}


@pytest.mark.parametrize(("config", "key"), KEYS, ids=[key for _, key in KEYS])
@pytest.mark.parametrize("value", [10**30, 10**400], ids=["1e30", "1e400"])
def test_a_size_without_proportion_is_refused_by_name(
    config: dict[str, Any], key: str, value: int
) -> None:
    damaged = {**config, key: value}
    for read in (lambda: describe(resolve(damaged, {}), {}), lambda: shape_of(damaged)):
        with pytest.raises(ValueError, match=f"configuration: {key}=10*: expected .* from 1 to"):
            read()


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (OPT, "word_embed_proj_dim"),
        (BERT, "type_vocab_size"),
        (VIT, "patch_size"),
        (VIT, "image_size"),
        (VIT, "num_channels"),
        (VIT, "num_labels"),
    ],
)
@pytest.mark.parametrize("value", [0, -8, "8", 8.0, True, [8], 10**400], ids=repr)
def test_a_size_of_one_family_is_refused_by_name(
    config: dict[str, Any], key: str, value: Any
) -> None:
    with pytest.raises(ValueError, match=f"configuration: {key}=.*: expected a whole number"):
        shape_of({**config, key: value})


@pytest.mark.parametrize(
    ("config", "key"),
    [(OPT, "enable_bias"), (OPT, "do_layer_norm_before"), (LLAMA, "attention_bias")],
)
@pytest.mark.parametrize("value", [0, 1, "true", []], ids=repr)
def test_a_switch_that_is_none_is_refused_by_name(
    config: dict[str, Any], key: str, value: Any
) -> None:
    with pytest.raises(ValueError, match=f"configuration: {key}=.*: expected true or false"):
        shape_of({**config, key: value})


@pytest.mark.parametrize("value", [-1, "8", 8.0, True, [8]], ids=repr)
def test_a_number_of_experts_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match=r"num_local_experts=.*: expected a whole number"):
        shape_of({**LLAMA, "num_local_experts": value})
    for key in ("llama.expert_count", "llama.rope.dimension_count"):
        with pytest.raises(ValueError, match=f"{key}=.*: expected a whole number"):
            describe(resolve({**GGUF, key: value}, {}), {})


def test_a_configuration_with_a_byte_order_mark_or_without_end(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(codecs.BOM_UTF8 + json.dumps(LLAMA).encode())
    with pytest.raises(FormatError, match="expected UTF-8 without a byte-order mark"):
        read_object(path)
    with pytest.raises(FormatError, match=r"expected a JSON object, found .*BOM"):
        shape_of(path)
    path.write_text("[" * 100_000)
    for read in (read_object, shape_of):
        with pytest.raises(FormatError, match="recursion"):
            read(path)
