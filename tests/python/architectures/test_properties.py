"""Whatever the names, shapes and configuration: nothing raises, nothing is lost or doubled."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meadow_py.architectures import ROLES, WeightSpec, is_buffer, resolve


def _words(*lines: str) -> list[str]:
    return " ".join(lines).split()


WORDS = _words(
    "model transformer decoder encoder language_model vision_tower layers layer h blk 0 1 12",
    "attn self_attn attention self output dense c_attn c_proj query_key_value qkv_proj attn_qkv",
    "gate_up_proj q_proj k_proj out_proj o_proj fc1 mlp gate_proj w1 c_fc embed_tokens wte lm_head",
    "token_embd norm ln_1 q_norm rotary_emb inv_freq masked_bias position_ids bias weight",
)
KEYS = _words(
    "hidden_size num_attention_heads num_hidden_layers num_key_value_heads head_dim vocab_size",
    "intermediate_size n_head word_embed_proj_dim tie_word_embeddings text_config architectures",
    "opt.attention.head_count general.architecture",
)
MODEL_TYPES = _words("opt gpt2 gpt_neo gpt_neox llama qwen qwen2 gemma3 phi3 bert mixtral mamba")

names = st.one_of(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(".".join), st.text())
shapes = st.dictionaries(names, st.lists(st.integers(0, 12), max_size=5).map(tuple), max_size=12)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-4, 8), st.floats(), st.text(), st.lists(st.text())
)
values = st.one_of(leaves, st.dictionaries(st.sampled_from(KEYS), leaves, max_size=3))
configs = st.one_of(
    st.none(),
    st.builds(
        lambda rest, kind: {**rest, "model_type": kind},
        st.dictionaries(st.sampled_from(KEYS), values),
        st.one_of(st.sampled_from(MODEL_TYPES), leaves),
    ),
)


def _rows(spec: WeightSpec, stored: np.ndarray[Any, Any]) -> list[int]:
    return [int(value) for value in spec.view(stored).ravel()]


@given(config=configs, shapes=shapes)
def test_every_element_is_in_exactly_one_weight(
    config: dict[str, Any] | None, shapes: dict[str, tuple[int, ...]]
) -> None:
    architecture = resolve(config, shapes)
    weights = architecture.weights(shapes)
    assert len({spec.name for spec in weights}) == len(weights)
    duplicates = architecture.tied_duplicates(shapes)
    for name, shape in shapes.items():
        mine = [spec for spec in weights if spec.tensor == name]
        if len(shape) < 2 or is_buffer(name, shape) or name in duplicates:
            assert mine == []
            continue
        stored = np.arange(np.prod(shape)).reshape(shape)
        assert mine
        seen = [value for spec in mine for value in _rows(spec, stored)]
        assert sorted(seen) == list(range(stored.size))


@given(config=configs, shapes=shapes)
def test_views_have_the_shape_and_role_that_is_said(
    config: dict[str, Any] | None, shapes: dict[str, tuple[int, ...]]
) -> None:
    architecture = resolve(config, shapes)
    for spec in architecture.weights(shapes):
        assert spec.view(np.zeros(shapes[spec.tensor])).shape == spec.shape
        assert spec.role in ROLES
    assert all(architecture.role_of(name) in ROLES for name in shapes)


@given(config=configs)
def test_expected_shapes_are_given_or_refused(config: dict[str, Any] | None) -> None:
    architecture = resolve(config, {})
    try:
        expected = architecture.expected_shapes()
    except ValueError:
        return
    assert expected
    assert all(type(n) is int and n >= 0 for shape in expected.values() for n in shape)
