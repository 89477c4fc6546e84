"""Energy against arithmetic by hand."""

from __future__ import annotations

import pytest

from meadow_py import devices
from meadow_py.simulator import Decoder, simulate


def test_off_chip_and_compute_by_hand() -> None:
    made = simulate("opt-125m", device="zcu102", bandwidth="1Gb/s", head=False, context=9)
    table = devices.energy_table("ddr4")
    energy, decode = made.decode.energy, made.decode
    bits = 8 * decode.total("bytes")
    off_chip = table.off_chip_pj_per_bit
    assert energy.off_chip.typical == pytest.approx(bits * off_chip.value * 1e-12)
    assert energy.off_chip.low == pytest.approx(bits * off_chip.low * 1e-12)
    assert energy.off_chip.high == pytest.approx(bits * off_chip.high * 1e-12)
    macs = decode.total("macs")
    mac = table.mac(8).value * 1e-12
    assert macs * mac < energy.compute.typical < 1.01 * macs * mac
    watts = devices.get("zcu102").power.static
    assert energy.static.typical == pytest.approx(watts.value * decode.seconds)


@pytest.mark.parametrize("device", ["zcu102", "raspberry-pi-5", "desktop-x86"])
def test_bands_are_in_order(device: str) -> None:
    made = simulate("smollm2-135m", device=device)
    for phase in (made.prefill, made.decode):
        for name in ("off_chip", "on_chip", "compute", "static", "total"):
            band = getattr(phase.energy, name)
            assert 0 <= band.low <= band.typical <= band.high


def test_another_table_is_another_energy() -> None:
    options = {"device": "zcu102", "bandwidth": "12Gb/s"}
    first, second = (
        simulate("opt-125m", energy=name, **options).decode.energy for name in ("ddr3", "hbm2")
    )
    ratio = first.off_chip.typical / second.off_chip.typical
    assert ratio == pytest.approx(70 / 3.48)
    assert first.static == second.static


def test_where_power_at_work_was_measured_the_sum_is_that() -> None:
    made = simulate("smollm2-135m", device="raspberry-pi-5")
    active = devices.get("raspberry-pi-5").power.active
    total = made.decode.energy.total.typical
    assert active.kind == "measured"
    assert total == pytest.approx(active.value * made.decode_s_per_token)


def test_packed_buffers_and_a_decoder_count() -> None:
    options = {"device": "zcu102", "packing": "2x", "prompt": 8}
    plain = simulate("opt-125m", **options).decode.energy
    packed = simulate("opt-125m", decoder=Decoder(on_chip_compressed=True), **options).decode.energy
    assert packed.on_chip.typical < plain.on_chip.typical
    decoded = simulate("opt-125m", decoder=Decoder(energy_pj_per_weight=2.0), **options)
    weights = decoded.model.decoder_weights + decoded.model.head_weights
    added = decoded.decode.energy.compute.typical - plain.compute.typical
    assert added == pytest.approx(2e-12 * weights)
