"""From a workload and a setting to a `Phase`."""

from __future__ import annotations

from collections.abc import Sequence

from meadow_py.devices import Device, EnergyTable
from meadow_py.simulator.cost import Cost, PackedWeights, Setting
from meadow_py.simulator.dataflows import layer_costs
from meadow_py.simulator.energy import energy_of
from meadow_py.simulator.machine import Machine
from meadow_py.simulator.packing import Packing
from meadow_py.simulator.phase import LayerTime, Phase
from meadow_py.simulator.settings import Settings
from meadow_py.workload import Layer, Operation, Precision, Workload

Costs = dict[str, tuple[Cost, ...]]


class Assembly:
    """A machine, a packing and a dataflow, which turn workloads into phases."""

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
        """Costs of every layer; blocks that are packed alike are worked out once."""
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

    def setting(self, work: Workload, packed: PackedWeights) -> Setting:
        """What the dataflows are told."""
        shape = work.shape
        return Setting(
            self.machine,
            work.precision,
            packed,
            shape.heads,
            shape.kv_heads,
            work.batch,
            self.packing.decoder.on_chip_compressed,
        )

    def packed(self, layer: Layer, precision: Precision) -> PackedWeights:
        """The weights of a layer as they are moved."""
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
    """The weights of a layer as they are moved, and the pace of their decoder."""
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
    """A row of the result."""
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
