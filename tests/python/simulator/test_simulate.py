"""`simulate` against figures that follow by hand, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import devices
from meadow_py.simulator import Decoder, Ratio, Settings, Simulation, packing_of, simulate, sweep

ARRAY = {"device": "zcu102", "head": False}


@pytest.mark.parametrize(
    ("model", "bandwidth", "milliseconds"),
    [
        ("opt-125m", "1Gb/s", 679.5),
        ("opt-125m", "6Gb/s", 113.2),
        ("opt-125m", "12Gb/s", 56.6),
        ("opt-1.3b", "1Gb/s", 9663.7),
        ("opt-1.3b", "12Gb/s", 805.3),
    ],
)
def test_decode_floor(model: str, bandwidth: str, milliseconds: float) -> None:
    made = simulate(model, bandwidth=bandwidth, prompt=4, **ARRAY)
    assert made.decode_floor_s_per_token == pytest.approx(milliseconds / 1e3, rel=1e-3)
    assert made.decode_s_per_token > made.decode_floor_s_per_token


def test_opt_1_3b_packed_makes_about_two_tokens_a_second() -> None:
    """The paper's text says about 2; its decoder weights once at 12 Gb/s and 1.5x allow 1.86."""
    options = {**ARRAY, "bandwidth": "12Gb/s", "packing": "1.5x", "prompt": 32}
    for context in (1, 16, 64):
        made = simulate("opt-1.3b", context=context, **options)
        assert 1.8 <= made.tokens_per_s <= 1.95
    with_head = simulate("opt-1.3b", context=64, **{**options, "head": True})
    added = with_head.decode_s_per_token - made.decode_s_per_token
    head_bytes = 50272 * 2048 / 1.5 + 2048 + 50272  # weights, one token in, its logits out
    norm_and_lookup = 0
    assert added == pytest.approx(head_bytes / 1.5e9 + norm_and_lookup, rel=1e-6)
    assert with_head.decode.total("kv_bytes") == 24 * 2 * 2048 * (65 + 1)


def test_decode_in_gemm_by_hand() -> None:
    """Memory-bound throughout: seconds are bytes by bandwidth."""
    made = simulate(
        "opt-125m", device="zcu102", bandwidth="1Gb/s", dataflow="gemm", head=False, context=9
    )
    hidden, layers, keys = 768, 12, 10
    weights = layers * 7_077_888
    cache = layers * 2 * (keys * hidden + hidden)
    scores = layers * 12 * keys * 4  # stored, read, stored, read
    into = 3 * hidden + hidden + hidden + hidden + 4 * hidden  # q k v, scores, o, up, down
    out_of = hidden + hidden + hidden + 4 * hidden + hidden  # q, SMxV, o, up, down
    embedding = 2 * hidden
    total = weights + cache + scores + layers * (into + out_of) + embedding
    assert made.decode_s_per_token == pytest.approx(total / 0.125e9, rel=1e-9)
    assert made.decode.total("weight_bytes") == weights
    assert made.decode.total("kv_bytes") == cache
    assert {row.bound for row in made.decode.layers if row.seconds} == {"memory"}


def test_prefill_without_overlap_is_the_sum() -> None:
    options = {**ARRAY, "bandwidth": "12Gb/s", "dataflow": "gemm", "prompt": 64}
    made = simulate("opt-125m", overlap=0, **options)
    for row in made.prefill.layers:
        assert row.seconds == pytest.approx(row.fetch_s + row.compute_s + row.store_s)
    hidden = simulate("opt-125m", overlap=1, **options)
    for row in hidden.prefill.layers:
        assert row.seconds == pytest.approx(max(row.fetch_s + row.store_s, row.compute_s))
    half = simulate("opt-125m", overlap=0.5, **options).prefill_s
    assert half == pytest.approx((made.prefill_s + hidden.prefill_s) / 2)


def test_tphs_keeps_intermediates_on_the_chip() -> None:
    options = {**ARRAY, "bandwidth": "1Gb/s", "prompt": 512}
    apart, pipeline = (simulate("opt-125m", dataflow=d, **options) for d in ("gemm", "tphs"))
    scores = 12 * 12 * 512 * 512  # layers, heads
    queries = 12 * 512 * 768
    saved = apart.prefill.total("activation_bytes") - pipeline.prefill.total("activation_bytes")
    assert saved == 4 * scores + 2 * queries
    assert apart.prefill.total("macs") == pipeline.prefill.total("macs")
    assert pipeline.prefill_s < apart.prefill_s


def test_best_takes_the_faster_of_two_for_each_layer() -> None:
    for bandwidth in ("1Gb/s", "51Gb/s", "400Gb/s"):
        found = {
            flow: simulate("opt-125m", bandwidth=bandwidth, dataflow=flow, **ARRAY).prefill_s
            for flow in ("gemm", "tphs", "best")
        }
        assert found["best"] == min(found["gemm"], found["tphs"])


def test_a_slow_decoder_is_the_bound() -> None:
    slow = Decoder(weights_per_cycle=1)
    made = simulate("opt-125m", bandwidth="12Gb/s", packing="1.5x", decoder=slow, **ARRAY)
    linear = [row for row in made.decode.layers if row.operation == "mlp.up"]
    assert {row.bound for row in linear} == {"decoder"}
    assert linear[0].seconds == pytest.approx(768 * 3072 / 100e6)


def test_roofline_of_a_cpu() -> None:
    """Decoding reads the weights and the cache; activations of one token stay in caches."""
    device = devices.get("raspberry-pi-5")
    made = simulate("smollm2-135m", device=device, precision="w8a8kv16", context=100)
    assert made.dataflow == "roofline"
    weights = made.model.decoder_weights + made.model.head_weights
    cache = 2 * 30 * 192 * (101 + 1) * 2
    lookup = 576
    bandwidth = device.memory.usable_bandwidth.value
    assert made.decode.total("bytes") == weights + cache + lookup
    assert made.decode_s_per_token == pytest.approx(
        (weights + cache + lookup) / bandwidth, rel=0.02
    )


def test_batch_shares_the_weights() -> None:
    one, four = (
        simulate("opt-125m", batch=n, bandwidth="1Gb/s", context=10, **ARRAY) for n in (1, 4)
    )
    assert one.decode.total("weight_bytes") == four.decode.total("weight_bytes")
    assert 3 < four.tokens_per_s / one.tokens_per_s < 4
    assert four.energy_per_token.total.typical < one.energy_per_token.total.typical


def test_an_encoder_does_not_decode() -> None:
    made = simulate("deit-s", device="zcu102")
    assert made.prompt == 197
    assert made.decode is made.decode_floor_s_per_token is made.tokens_per_s is None
    assert made.energy_per_token is None


def test_packing_by_role() -> None:
    packing = Ratio(2, {"mlp": 4})
    made = simulate("opt-125m", packing=packing, prompt=8, **ARRAY)
    attention, mlp = 12 * 4 * 768 * 768, 12 * 8 * 768 * 768
    assert made.decode.total("weight_bytes") == attention / 2 + mlp / 4


@pytest.mark.parametrize("model", ["opt-125m", "deit-b", "llama-3.2-1b"])
def test_json_comes_back_the_same(model: str, tmp_path: Path) -> None:
    made = simulate(model, device="zcu102", prompt=8 if model != "deit-b" else None)
    made.save(tmp_path / "simulation.json")
    again = Simulation.load(tmp_path / "simulation.json")
    assert again == made
    assert json.loads((tmp_path / "simulation.json").read_text()) == made.to_dict()
    frame = pytest.importorskip("pandas") and again.to_dataframe()
    assert frame["seconds"].sum() == pytest.approx(made.prefill_s + (made.decode_s_per_token or 0))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "simulation.json"
    made = simulate("opt-125m", device="zcu102", prompt=8).to_dict()
    broken = [{}, [], {**made, "version": 2}, {**made, "prefill": {}}, {**made, "precision": 3}]
    for content in broken:
        path.write_text(json.dumps(content))
        with pytest.raises(mp.FormatError, match="simulation"):
            Simulation.load(path)
    path.write_text("{")
    with pytest.raises(mp.FormatError, match="JSON"):
        Simulation.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataflow": "fast"}, "dataflow"),
        ({"dataflow": "roofline"}, "roofline"),
        ({"device": "raspberry-pi-5", "dataflow": "tphs"}, "tphs"),
        ({"overlap": 1.5}, "overlap"),
        ({"overlaps": 1}, "overlaps"),
        ({"prompt": 0}, "tokens"),
        ({"generate": 0}, "generate"),
        ({"batch": 0}, "batch"),
        ({"packing": "huffman"}, "profile"),
        ({"packing": "0x"}, "ratio"),
        ({"packing": -1}, "ratio"),
        ({"precision": "int8"}, "precision"),
        ({"bandwidth": "12"}, "bandwidth"),
        ({"bandwidth": -1.0}, "bandwidth"),
        ({"softmax_per_cycle": 0}, "softmax_per_cycle"),
        ({"gemm_elements": "none"}, "gemm_elements"),
        ({"weight_share": 0.9, "input_share": 0.2}, "weight_share"),
        ({"device": "nothing"}, "nothing"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate("opt-125m", **{"device": "zcu102", **changes})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt", 1.5),
        ("prompt", "8"),
        ("batch", 0.5),
        ("context", 2.5),
        ("generate", "4"),
        ("overlap", "all"),
        ("macs_per_cycle", [1]),
        ("precision", 8),
    ],
)
def test_a_wrong_type_is_named(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=name):
        simulate("opt-125m", device="zcu102", **{name: value})


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="packing"):
        packing_of([1])


def test_every_assumption_is_named() -> None:
    made = simulate("opt-125m", device="zcu102", overlap=0.5)
    named = {one.name: one for one in made.assumptions}
    assert named["overlap"].value == 0.5
    assert {"macs_per_cycle", "softmax_per_cycle", "fill_cycles", "gemm_elements"} <= set(named)
    assert all(one.reason for one in made.assumptions)
    known = set(Settings.__dataclass_fields__) | {
        "compute.efficiency",
        "power.static",
        "per_token_overhead_s",
    }
    assert set(named) <= known


def test_sweep_gives_what_single_calls_give() -> None:
    table = sweep(
        ["opt-125m", "deit-s"],
        devices=["zcu102", "raspberry-pi-5"],
        dataflows=("gemm", "tphs", "best"),
        packings=("none", "1.5x"),
        tokens=[1, 100, 197, 512],
    )
    assert len(table) == 2 * (3 + 1) * 2 * 4
    for place, (model, device, flow, packing) in enumerate(table.combinations):
        flow = "best" if flow == "roofline" else flow  # noqa: PLW2901
        for column in (1, 3):
            count = int(table.tokens[column])
            options = {"prompt": count, "packing": packing, "dataflow": flow}
            one = simulate(model, device=device, context=0 if "deit" in model else count, **options)
            assert table.prefill_s[place, column] == pytest.approx(one.prefill_s)
            decode = table.decode_s_per_token[place, column]
            assert (
                np.isnan(decode)
                if one.decode is None
                else decode == pytest.approx(one.decode_s_per_token)
            )
    frame = pytest.importorskip("pandas") and table.to_dataframe()
    assert len(frame) == len(table)
    assert frame["prefill_s"].tolist() == table.prefill_s.ravel().tolist()


def test_sweep_refuses_no_tokens() -> None:
    for tokens in ([], [0], [[1]]):
        with pytest.raises(ValueError, match="tokens"):
            sweep(["opt-125m"], devices=["zcu102"], tokens=tokens)
