"""Exact operations and bytes, against figures worked out by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from meadow_py import workload
from meadow_py.workload import ModelShape, Pass, Precision


def _tiny(**changes: object) -> ModelShape:
    sizes = {
        "layers": 2,
        "hidden": 8,
        "heads": 4,
        "kv_heads": 2,
        "head_dim": 3,
        "intermediate": 5,
        "vocab": 11,
    }
    return ModelShape(
        **{"name": "tiny", "family": "llama", "gated": True, "tied": True, **sizes, **changes}
    )


@pytest.mark.parametrize(
    ("name", "per_layer", "decoder"),
    [
        ("opt-125m", 7_077_888, 84_934_656),
        ("opt-1.3b", 50_331_648, 1_207_959_552),
        ("opt-350m", 12_582_912, 301_989_888),
        ("deit-b", 7_077_888, 84_934_656),
    ],
)
def test_decoder_weights(name: str, per_layer: int, decoder: int) -> None:
    shape = workload.shape_of(name)
    assert shape.linear_weights_per_layer == per_layer
    assert shape.decoder_weights == decoder
    made = workload.of(name, tokens=shape.fixed_tokens or 1, head=False)
    beside = sum(op.weights for layer, op in made if layer.name == "embedding")
    assert made.total("weights") - beside == decoder


def test_llama_1b_has_the_parameters_of_its_name() -> None:
    shape = workload.shape_of("llama-3.2-1b")
    norms = (2 * shape.layers + 1) * shape.hidden
    assert shape.decoder_weights + shape.embedding_weights + norms == 1_235_814_400


def test_decode_macs_are_weights_and_two_products_per_key() -> None:
    made = workload.of("opt-125m", tokens=1, context=99)
    shape = made.shape
    attention = 2 * shape.layers * shape.query_width * 100
    assert made.total("macs") == shape.decoder_weights + shape.head_weights + attention
    assert made.total("kv_read") == 2 * shape.layers * shape.kv_width * 100
    assert made.total("kv_written") == 2 * shape.layers * shape.kv_width


def test_grouped_queries_share_the_cache() -> None:
    made = workload.of(_tiny(), tokens=1, context=9, precision="w8a8kv4")
    assert made.kv_bytes == (2 * 2 * 6 * 10 + 2 * 2 * 6) * 4 / 8


@pytest.mark.parametrize("window", [0, 1, 3, 7, 100])
@pytest.mark.parametrize("context", [0, 2, 5, 9])
@pytest.mark.parametrize("tokens", [1, 2, 6, 13])
def test_pairs_by_brute_force(tokens: int, context: int, window: int) -> None:
    seen = [context + i + 1 for i in range(tokens)]
    expected = sum(min(n, window) if window else n for n in seen)
    assert Pass(_tiny(), tokens, context, 1).pairs(window) == expected
    as_arrays = Pass(_tiny(), np.array([tokens]), np.array([context]), 1).pairs(window)
    assert as_arrays.tolist() == [expected]
    keys = {k for n in seen for k in range(max(0, n - window) if window else 0, n)}
    assert Pass(_tiny(), tokens, context, 1).seen(window) == len(keys)


def test_without_a_mask_every_score_is_computed() -> None:
    assert Pass(_tiny(), 6, 2, 1, masked=False).pairs() == 6 * 8
    assert Pass(_tiny(encoder=True), 6, 0, 1).pairs() == 36


def test_arrays_of_tokens_give_what_single_calls_give() -> None:
    tokens = np.arange(1, 40)
    many = workload.of("smollm2-135m", tokens=tokens, context=7, batch=3)
    for position in (0, 17, 38):
        one = workload.of("smollm2-135m", tokens=int(tokens[position]), context=7, batch=3)
        for field in ("macs", "other_operations", "input_values", "output_values", "kv_read"):
            assert np.broadcast_to(many.total(field), tokens.shape)[position] == one.total(field)


def test_batch_reads_weights_once() -> None:
    one, four = (workload.of("opt-125m", tokens=5, batch=batch) for batch in (1, 4))
    assert one.weight_bytes == four.weight_bytes
    assert 4 * one.total("macs") == four.total("macs")


def test_opt_350m_projects_its_embedding() -> None:
    made = workload.of("opt-350m", tokens=1)
    found = {op.name: op.weights for _, op in made}
    assert found["embedding.in"] == found["head.out"] == 512 * 1024
    assert found["head"] == 512 * 50272


def test_an_encoder_of_images() -> None:
    made = workload.of("deit-s", tokens=197)
    block = 197 * 12 * 384 * 384 + 2 * 197 * 197 * 384
    assert made.total("macs") == 12 * block + 196 * 768 * 384 + 384 * 1000
    assert made.total("macs") == pytest.approx(4.6e9, rel=0.002)  # Table 1 of DeiT's paper: 4.6 B
    assert made.total("kv_read") > 0  # keys and values of the pass itself


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"tokens": 0}, "tokens"),
        ({"tokens": 1, "context": -1}, "context"),
        ({"tokens": 1, "batch": 0}, "batch"),
        ({"tokens": 1, "precision": "int8"}, "w8a8"),
        ({"tokens": 1, "precision": "w0a8"}, "w8a8"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, object], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        workload.of("opt-125m", **arguments)
    with pytest.raises(ValueError, match="encoder"):
        workload.of("deit-s", tokens=197, context=4)


def test_precision_spelling() -> None:
    assert Precision.parse("W4.5A16") == Precision(4.5, 16, 16)
    assert str(Precision.parse("w4a16kv8")) == "w4a16kv8"
    assert str(Precision()) == "w8a8"
    assert Precision.parse(Precision(4)) == Precision(4)


def test_rows_add_up() -> None:
    made = workload.of("gpt2", tokens=3)
    rows = made.to_rows()
    assert sum(row["weight_bytes"] for row in rows) == made.weight_bytes
    assert sum(row["macs"] for row in rows) == made.total("macs")
