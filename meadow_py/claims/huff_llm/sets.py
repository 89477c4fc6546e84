"""Predictions of every set of assumptions: time and energy by simulation, area by counting."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from meadow_py.claims.huff_llm.assumptions import BANDS, CLOCK, WeightsMeasured
from meadow_py.devices import Device, EnergyTable, Quantity
from meadow_py.devices.parts import Buffers, Compute, Memory, Power, ProcessingElements
from meadow_py.simulator.huffman_hardware.area import Circuits
from meadow_py.simulator.huffman_hardware.design import HuffmanDesign, Unit
from meadow_py.simulator.named_packings import Ratio
from meadow_py.simulator.packing import Decoder
from meadow_py.simulator.prediction import simulate

if TYPE_CHECKING:
    from meadow_py.simulator.huffman_hardware.streams import DecoderRun
    from meadow_py.simulator.phase import Band
    from meadow_py.simulator.result import Simulation

_MIB = 1 << 20


def accelerator(
    unit: Unit, *, bandwidth: float, buffer_bytes: float, energy: str = "lpddr4"
) -> Device:
    """A device with this unit. All numbers are assumptions; static power is 0 and added later."""

    def given(value: float) -> Quantity:
        return Quantity.given(value, "an axis of the retrace of Huff-LLM")

    peak = given(2.0 * unit.macs * CLOCK)
    array = ProcessingElements(unit.macs, 0, given(1.0), given(CLOCK))
    return Device(
        name=unit.name,
        title=f"{unit.kind} {unit.rows} x {unit.columns} with Huffman decoders",
        kind="ASIC",
        compute=Compute(array, None, peak, None, given(1.0)),
        on_chip=Buffers(given(buffer_bytes)),
        memory=Memory("memory", "LPDDR", given(64e9), given(bandwidth), None),
        storages=(),
        power=Power(given(0.0)),
        energy=energy,
    )


class TimeSweep:
    """All sets for time and energy; weights of the same width share their dense runs."""

    def __init__(self, axes: dict[str, tuple[Any, ...]], table: EnergyTable) -> None:
        self.axes, self.table = axes, table
        self._dense: dict[tuple[Any, ...], Simulation] = {}

    def rows(self, one: WeightsMeasured, model: Any) -> Iterator[dict[str, Any]]:
        """A row for every set, for one model with the codes of some weights."""
        axes = self.axes
        ports = list(itertools.product(axes["unit"], axes["port"]))
        runs = {(unit, port): _run(one, unit, port) for unit, port in ports}
        names = ("unit", "buffer_bytes", "bandwidth", "overlap", "batch", "tokens")
        for place in itertools.product(*(axes[name] for name in names)):
            chosen = dict(zip(names, place, strict=True))
            dense = self._dense_run(one, model, chosen)
            for port in axes["port"]:
                run = runs[chosen["unit"], port]
                packed = self._packed_run(one, model, chosen, port, run)
                for static in axes["static_w"]:
                    yield {
                        **_labels(one, dense, chosen, port, run),
                        "static_w": static,
                        **_savings(dense, packed, chosen["tokens"][1], static),
                    }

    def _dense_run(self, one: WeightsMeasured, model: Any, chosen: dict[str, Any]) -> Simulation:
        key = (one.code.bits, str(model), *chosen.values())
        if key not in self._dense:
            unit = chosen["unit"]
            decoder = Decoder(weights_per_cycle=float(unit.lanes))
            plain = Ratio(1.0, name="dense", decoder=decoder)
            self._dense[key] = self._simulate(one, model, chosen, plain)
        return self._dense[key]

    def _packed_run(
        self,
        one: WeightsMeasured,
        model: Any,
        chosen: dict[str, Any],
        port: tuple[float, str],
        run: DecoderRun,
    ) -> Simulation:
        decoder = _design(one, chosen["unit"], port).packed_decoder(self.table, run)
        ratio = one.code.bits / one.code.bits_per_weight
        return self._simulate(one, model, chosen, Ratio(ratio, name="Huffman", decoder=decoder))

    def _simulate(
        self, one: WeightsMeasured, model: Any, chosen: dict[str, Any], packing: Ratio
    ) -> Simulation:
        unit, (prompt, generated) = chosen["unit"], chosen["tokens"]
        return simulate(
            model,
            device=accelerator(
                unit, bandwidth=chosen["bandwidth"], buffer_bytes=chosen["buffer_bytes"]
            ),
            dataflow="gemm",
            packing=packing,
            precision=f"w{one.code.bits}a{one.code.bits}",
            energy=self.table,
            batch=chosen["batch"],
            overlap=chosen["overlap"],
            prompt=prompt,
            generate=max(1, generated),
            softmax_per_cycle=float(unit.columns),
            elementwise_per_cycle=float(unit.columns),
        )


def _run(one: WeightsMeasured, unit: Unit, port: tuple[float, str]) -> DecoderRun:
    """Count the cycles of decoding two outputs of the sample per decoder."""
    inputs = one.words.shape[1]
    flat = one.words.reshape(-1)[: 2 * unit.lanes * inputs]
    sample = flat[: flat.size // inputs * inputs].reshape(-1, inputs)
    return _design(one, unit, port).run(sample)


def _design(one: WeightsMeasured, unit: Unit, port: tuple[float, str]) -> HuffmanDesign:
    width, repartition = port
    code = one.code
    share = 1.0 if width <= 1 else width * code.bits_per_weight / code.bits
    return HuffmanDesign(unit, code, one.dtype, _MIB, port_share=share, repartition=repartition)


def _labels(
    one: WeightsMeasured,
    dense: Simulation,
    chosen: dict[str, Any],
    port: tuple[float, str],
    run: DecoderRun,
) -> dict[str, Any]:
    prompt, generated = chosen["tokens"]
    return {
        "weights": one.name,
        "model": dense.model.name,
        "unit": chosen["unit"].name,
        "port": f"{port[0]:g} {port[1]}",
        "throughput": run.throughput,
        **{name: chosen[name] for name in ("buffer_bytes", "bandwidth", "overlap", "batch")},
        "prompt": prompt,
        "generated": generated,
    }


def _savings(
    dense: Simulation, packed: Simulation, generated: int, static: float
) -> dict[str, float]:
    before_s, after_s = _seconds(dense, generated), _seconds(packed, generated)
    before, after = _energy(dense, generated), _energy(packed, generated)
    saved = {
        f"energy_saving_{band}": 1
        - (getattr(after, band) + static * after_s) / (getattr(before, band) + static * before_s)
        for band in BANDS
    }
    return {
        "dense_s": before_s,
        "latency_saving": 1 - after_s / before_s,
        "weight_share": _weight_share(dense, generated),
        **saved,
    }


def _seconds(one: Simulation, generated: int) -> float:
    return one.prefill.seconds + generated * (one.decode.seconds if one.decode else 0.0)


def _energy(one: Simulation, generated: int) -> Band:
    total = one.prefill.energy.total
    return total + one.decode.energy.total * float(generated) if one.decode else total


def _weight_share(one: Simulation, generated: int) -> float:
    """Share of the whole time that weights take to arrive from memory."""
    moved = one.prefill.total("weight_bytes")
    if one.decode is not None:
        moved += generated * one.decode.total("weight_bytes")
    return moved / one.bandwidth / _seconds(one, generated)


def area_rows(
    one: WeightsMeasured, axes: dict[str, tuple[Any, ...]], area_axes: dict[str, tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    """Rows of the area of every unit and buffer, under every set of circuits and decoders."""
    for unit, buffer in itertools.product(axes["unit"], axes["buffer_bytes"]):
        for values in itertools.product(*area_axes.values()):
            chosen = dict(zip(area_axes, values, strict=True))
            design = HuffmanDesign(
                unit,
                one.code.with_longest(chosen["longest"]),
                one.dtype,
                buffer,
                decoder=chosen["decoder"],
                fifo_bits=chosen["fifo_bits"],
                circuits=Circuits().with_(
                    sram_density=chosen["sram_density"], table_periphery=chosen["table_periphery"]
                ),
            )
            yield {
                "weights": one.name,
                "unit": unit.name,
                "buffer_bytes": buffer,
                **chosen,
                "bits_per_weight": design.code.bits_per_weight,
                "table_bytes": design.table_bytes,
                "area_overhead": design.area_overhead(),
                "area_overhead_smaller_buffer": design.area_overhead(shrink_buffer=True),
            }
