"""Energy of a pass by component, from bytes moved and a table of energies per action."""

from __future__ import annotations

from collections.abc import Sequence

from meadow_py.devices import Device, EnergyTable, Quantity
from meadow_py.simulator.cost import Cost
from meadow_py.simulator.packing import Decoder
from meadow_py.simulator.phase import Band, Energy
from meadow_py.simulator.settings import Settings
from meadow_py.workload import Precision

_PICO = 1e-12


def energy_of(
    costs: Sequence[Cost],
    seconds: float,
    device: Device,
    table: EnergyTable,
    precision: Precision,
    settings: Settings,
    decoder: Decoder,
) -> Energy:
    """Joules of one pass.

    Off-chip: bits that move times the table's energy of a bit. On-chip: every byte that is fetched
    or stored passes a buffer once in and once out, and every operand is read from there once for
    `Settings.operand_reuse` multiply-accumulates. Compute: multiply-accumulates, half as much for
    any other operation, and the decoder. Static: watts that the device draws in any case; where
    its power at work was measured, what the components above leave of it.
    """
    off_chip_bytes = sum(float(cost.fetched + cost.stored) for cost in costs)
    off_chip = _band(table.off_chip_pj_per_bit) * (8 * off_chip_bytes * _PICO)
    buffer = table.on_chip(settings.on_chip or device.on_chip.total.value)
    on_chip = _band(buffer) * (8 * _on_chip_bytes(costs, precision, settings, decoder) * _PICO)
    arithmetic = sum(float(cost.macs + cost.other_operations / 2) for cost in costs)
    decoded = sum(float(cost.weights) for cost in costs) * decoder.energy_pj_per_weight * _PICO
    compute = _band(table.mac(min(32, precision.operand_bits))) * (arithmetic * _PICO)
    compute = compute + Band(decoded, decoded, decoded)
    static = _static(device, seconds, off_chip + on_chip + compute)
    return Energy(off_chip, on_chip, compute, static)


def _on_chip_bytes(
    costs: Sequence[Cost], precision: Precision, settings: Settings, decoder: Decoder
) -> float:
    total = 0.0
    for cost in costs:
        dense = float(cost.weights) * precision.weight_bits / 8
        moved = float(cost.weight_bytes)
        in_buffer = moved if decoder.on_chip_compressed else dense
        through = in_buffer + float(cost.fetched + cost.stored) - moved
        share = in_buffer / dense if dense else 1.0
        operands = (precision.weight_bits * share + precision.activation_bits) / 8
        total += 2 * through + float(cost.macs) * operands / settings.operand_reuse
    return total


def _static(device: Device, seconds: float, modelled: Band) -> Band:
    power = device.power
    if power is None:
        return Band(0.0, 0.0, 0.0)
    if power.active is None or power.active.kind != "measured":
        return _band(power.static) * seconds
    at_work = _band(power.active) * seconds
    left = [
        max(0.0, whole - part)
        for whole, part in zip(vars(at_work).values(), vars(modelled).values(), strict=True)
    ]
    # What is left is least where the components above are at their most.
    return Band(min(left), left[1], max(left))


def _band(quantity: Quantity) -> Band:
    return Band(quantity.low, quantity.value, quantity.high)
