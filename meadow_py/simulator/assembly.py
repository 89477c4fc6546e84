"""A pass put together: its costs, its times layer by layer, and its energy by component."""

from __future__ import annotations

from collections.abc import Sequence

from meadow_py.devices import Device, EnergyTable, Quantity
from meadow_py.simulator.cost import Cost, DataflowInputs, PackedWeights
from meadow_py.simulator.dataflows import layer_costs
from meadow_py.simulator.machine import Machine
from meadow_py.simulator.packing import Decoder, Packing
from meadow_py.simulator.phase import Band, Energy, LayerTime, Phase
from meadow_py.simulator.settings import Settings
from meadow_py.workload import Layer, Operation, Precision, Workload

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

    Off-chip: the bits that move, times the table's energy per bit. On-chip: every byte that is
    fetched or stored passes into and out of a buffer once, and every operand is read from a buffer
    once per `Settings.operand_reuse` multiply-accumulates. Compute: multiply-accumulates, half as
    much for any other operation, and the decoder. Static: the power that the device always draws,
    times the time; if its active power was measured, the rest of that after the other components.
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
    # The rest is smallest where the other components are largest.
    return Band(min(left), left[1], max(left))


def _band(quantity: Quantity) -> Band:
    return Band(quantity.low, quantity.value, quantity.high)


Costs = dict[str, tuple[Cost, ...]]


class Assembly:
    """A machine, a packing and a dataflow, which together turn workloads into phases."""

    def __init__(
        self,
        machine: Machine,
        packing: Packing,
        dataflow: str,
        device: Device,
        table: EnergyTable,
        settings: Settings,
    ) -> None:
        self.machine, self.packing, self.dataflow = machine, packing, dataflow
        self.device, self.table, self.settings = device, table, settings

    def phase(self, work: Workload) -> Phase:
        """Time and energy of one pass."""
        by_layer = self.costs(work)
        rows = tuple(layer_time(name, cost) for name, costs in by_layer.items() for cost in costs)
        overhead = float(self.machine.overhead_s)
        seconds = sum(row.seconds for row in rows) + overhead
        flat = [cost for costs in by_layer.values() for cost in costs]
        energy = energy_of(
            flat,
            seconds,
            self.device,
            self.table,
            work.precision,
            self.settings,
            self.packing.decoder,
        )
        return Phase(rows, seconds, energy, int(work.tokens), int(work.context), overhead)

    def costs(self, work: Workload) -> Costs:
        """Costs of every layer; blocks that are packed alike are computed only once."""
        known: dict[tuple[object, ...], tuple[Cost, ...]] = {}
        found: Costs = {}
        for layer in work.layers:
            packed = self.packed(layer, work.precision)
            key = (id(layer.operations), *sorted(packed.by_role.items(), key=lambda item: item[0]))
            if key not in known:
                setting = self.setting(work, packed)
                known[key] = layer_costs(layer.operations, setting, self.dataflow)
            found[layer.name] = known[key]
        return found

    def setting(self, work: Workload, packed: PackedWeights) -> DataflowInputs:
        """The inputs of a dataflow besides the operations."""
        shape = work.shape
        return DataflowInputs(
            self.machine,
            work.precision,
            packed,
            shape.heads,
            shape.kv_heads,
            work.batch,
            self.packing.decoder.on_chip_compressed,
        )

    def packed(self, layer: Layer, precision: Precision) -> PackedWeights:
        """The weights of a layer, as they are moved."""
        return packed_weights(
            layer.name, layer.operations, precision, self.packing, float(self.machine.clock)
        )


def packed_weights(
    layer: str,
    operations: Sequence[Operation],
    precision: Precision,
    packing: Packing,
    clock: float,
) -> PackedWeights:
    """The weights of a layer, as they are moved, and the speed of their decoder."""
    number = int(layer.partition(".")[2]) if "." in layer else None
    by_role = {
        one.name: packing.weight(number, one.name, one.weights, precision.weight_bits)
        for one in operations
        if one.weights
    }
    decoder = packing.decoder
    start = decoder.seconds(0, clock)
    return PackedWeights(by_role, decoder.seconds(1, clock) - start, start)


def layer_time(name: str, cost: Cost) -> LayerTime:
    """The row of the result for one operation."""
    return LayerTime(
        name=name,
        operation=cost.operation,
        dataflow=cost.dataflow,
        fetch_s=float(cost.fetch_s),
        compute_s=float(max(cost.compute_s, cost.softmax_s, cost.decode_s)),
        store_s=float(cost.store_s),
        seconds=float(cost.seconds),
        bound=cost.bound(),
        weight_bytes=float(cost.weight_bytes),
        activation_bytes=float(cost.read_bytes + cost.written_bytes),
        kv_bytes=float(cost.kv_read_bytes + cost.kv_written_bytes),
        macs=float(cost.macs),
    )
