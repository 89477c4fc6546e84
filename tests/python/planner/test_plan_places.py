"""Where weights lie: on the chip, in memory, in storage, or nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import meadow_py as mp
from meadow_py import devices
from meadow_py.devices import Quantity
from meadow_py.planner.placement import kv_cache_bytes
from meadow_py.workload import ModelShape, Precision, shape_of

TINY = ModelShape(
    name="tiny", family="llama", layers=2, hidden=64, heads=4, kv_heads=2, head_dim=16,
    intermediate=128, vocab=256, gated=True, tied=True, positions=512,
)  # fmt: skip
WEIGHTS = 2 * (64 * 2 * 64 + 64 * 2 * 32 + 3 * 64 * 128) + 256 * 64


def quantity(value: float) -> Quantity:
    return Quantity(value, value, value, "a test", "specified")


def board(memory: float, storage: float | None = 1e9, on_chip: float = 0.0) -> devices.Device:
    """A Raspberry Pi 5 with another memory; with memory on the chip it is an accelerator."""
    made = devices.get("raspberry-pi-5")
    assert made.memory is not None
    card = replace(made.storages[0], capacity=None if storage is None else quantity(storage))
    return replace(
        made,
        kind="accelerator" if on_chip else made.kind,
        on_chip=replace(made.on_chip, total=quantity(on_chip or 4096)),
        memory=replace(made.memory, capacity=quantity(memory)),
        storages=(card,),
    )


def planned(device: devices.Device, **options: object) -> mp.Plan:
    given = {"precisions": ["w8a8"], "context": 64, "prompt": 16, "usable_memory": 1.0} | options
    return mp.plan(TINY, device, **given)  # type: ignore[arg-type]


def test_footprint_counts_everything() -> None:
    (option,) = planned(board(1e9)).options
    need = option.footprint
    assert need.weights == WEIGHTS
    assert need.kv_cache_per_token == 2 * 2 * 32
    assert need.kv_cache == 64 * need.kv_cache_per_token
    # The largest operation of the 16 tokens is softmax: scores in and out, 4 heads, masked.
    scores = 4 * sum(48 + token for token in range(1, 17))
    assert need.activations == 2 * scores + 16 * 64
    assert need.total == WEIGHTS + need.kv_cache + need.activations


def test_one_byte_decides() -> None:
    total = planned(board(1e9)).options[0].footprint.total
    assert planned(board(total)).options[0].place == "memory"
    streamed = planned(board(total - 1)).options[0]
    assert (streamed.place, streamed.where) == ("storage", "microSD")
    assert not streamed.in_memory
    chip = planned(board(1e9, on_chip=total)).options[0]
    assert chip.place == "on chip"
    assert chip.tiling is None
    beside = planned(board(1e9, on_chip=total - 1)).options[0]
    assert beside.place == "memory"
    assert beside.tiling is not None


def test_a_cache_is_no_place_for_weights() -> None:
    assert planned(devices.get("raspberry-pi-5")).options[0].place == "memory"


def test_usable_memory_is_an_assumption_that_can_be_changed() -> None:
    total = planned(board(1e9)).options[0].footprint.total
    assert planned(board(total), usable_memory=None).options[0].place == "storage"
    assert planned(board(total / 0.9 + 1), usable_memory=None).options[0].place == "memory"
    named = {a.name: a for a in planned(board(total), usable_memory=None).assumptions}
    assert named["usable_memory"].value == 0.9
    assert "from 0.75 to 1" in named["usable_memory"].reason
    assert "#9244" in named["read_efficiency"].reason


def test_what_is_in_the_way_is_said() -> None:
    working = planned(board(1e9)).options[0].footprint.working
    (option,) = planned(board(working)).options
    assert option.place == "nowhere"
    assert "KV cache and activations alone" in option.where
    assert option.tokens_per_s is None
    (option,) = planned(board(working + 100, storage=10.0)).options
    assert option.where == "the weights are larger than every storage"
    bare = replace(board(working + 100), storages=())
    assert "names no storage" in planned(bare).options[0].where
    (option,) = planned(devices.get("zcu102"), precisions=["w16a16"]).options
    assert "no speed for operands of 16 bits" in option.where


def test_a_storage_of_unknown_size_may_hold_it() -> None:
    total = planned(board(1e9)).options[0].footprint.total
    (option,) = planned(board(total - 1, storage=None)).options
    assert option.place == "storage"
    assert option.storages[0].holds is None


def test_longest_context_is_the_longest() -> None:
    (option,) = planned(board(1e9)).options
    assert option.longest_context == TINY.positions
    room = WEIGHTS + option.footprint.activations + 100.5 * option.footprint.kv_cache_per_token
    assert planned(board(room)).options[0].longest_context == 100
    two = planned(board(1e9), batch=2).options[0].footprint
    room = WEIGHTS + two.activations + 100.5 * two.kv_cache_per_token
    assert two.kv_cache_per_token == 2 * option.footprint.kv_cache_per_token
    assert planned(board(room), batch=2).options[0].longest_context == 100
    assert planned(board(WEIGHTS / 2)).options[0].longest_context == 0


def test_windows_bound_the_cache() -> None:
    windowed = replace(TINY, windows=(32, 0))
    precision = Precision(8, 8, 8)
    assert kv_cache_bytes(windowed, 100, precision) == 2 * 32 * (32 + 100)
    assert kv_cache_bytes(TINY, 100, precision) == 2 * 32 * 200
    assert kv_cache_bytes(TINY, 100, Precision(8, 8, 16)) == 2 * 2 * 32 * 200


def test_which_precision_makes_it_fit() -> None:
    made = mp.plan("opt-6.7b", "raspberry-pi-5", context=512)
    assert [option.place for option in made.options] == ["storage", "memory", "memory"]
    assert made.fits
    assert [str(option.precision) for option in made.fitting] == ["w8a8", "w4.5a8kv16"]
    assert not mp.plan("opt-6.7b", "jetson-nano", precisions=["w16a16"]).fits


def test_microcontrollers_read_flash_or_psram() -> None:
    (option,) = planned(devices.get("stm32h750")).options
    assert option.place == "on chip"  # 82 kB of weights in 1 MiB
    (option,) = mp.plan("smollm2-135m", "stm32h743", precisions=["w8a8"], context=16).options
    assert option.place == "nowhere"
    (option,) = mp.plan(TINY, "esp32-s3", precisions=["w8a8"], usable_memory=0.2).options
    assert option.place == "memory"
    assert option.where == "octal PSRAM"


def test_encoders() -> None:
    made = mp.plan("deit-s", "raspberry-pi-5")
    assert (made.prompt, made.context) == (197, 0)
    assert all(option.tokens_per_s is None for option in made.options)
    assert all(option.prefill_s is not None for option in made.options)
    assert made.options[0].longest_context is None
    assert "encoder" in " ".join(made.notes)
    assert shape_of("deit-s").name in repr(made)


@pytest.mark.parametrize("device", devices.names())
@pytest.mark.parametrize("model", ["opt-125m", "deit-s", "llama-3.2-1b"])
def test_every_device_gives_a_plan(model: str, device: str) -> None:
    made = mp.plan(model, device, batch=2)
    data = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert (data["version"], data["kind"]) == (1, "plan")
    assert len(data["options"]) == 3
    for option in made.options:
        for band in (option.prefill_s, option.tokens_per_s, option.energy_per_token_j):
            assert band is None or 0 < band.low <= band.typical <= band.high
    assert made._repr_html_().count("<table") >= 1
    assert len(made.to_dataframe()) == 3
