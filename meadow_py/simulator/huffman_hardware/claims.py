"""Huff-LLM's claims retraced: the assumptions under which they hold, and those where they cannot.

The sources at hand tell three figures of arXiv 2502.00922 (up to 31 % less latency, up to 26 % less
energy, 6 % more area) and neither models, devices, bit groups, array sizes, buffers, bandwidth nor
process. So each of these is a named axis of a sweep, and the answer is a set, not a number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.devices import Device, EnergyTable, Quantity, energy_table
from meadow_py.devices.device import Buffers, Compute, Memory, Power, ProcessingElements
from meadow_py.simulator.huffman_hardware.area import Circuits
from meadow_py.simulator.huffman_hardware.codes import WeightCode, Words
from meadow_py.simulator.huffman_hardware.design import HuffmanDesign, Unit
from meadow_py.simulator.huffman_hardware.streams import DecoderRun
from meadow_py.simulator.packing import Decoder
from meadow_py.simulator.packings import Ratio
from meadow_py.simulator.run import simulate

if TYPE_CHECKING:
    import pandas

    from meadow_py.simulator.result import Band, Simulation

BANDS = ("low", "typical", "high")
_SOURCE = "Huff-LLM, arXiv 2502.00922, as told by third parties' summaries of it"
_MIB = 1 << 20


@dataclass(frozen=True)
class HuffmanClaim:
    """A figure of the paper, as a share of the design with dense weights."""

    name: str
    value: float
    text: str
    source: str = _SOURCE


CLAIMS = (
    HuffmanClaim("latency", 0.31, "up to 31 % lower latency"),
    HuffmanClaim("energy", 0.26, "up to 26 % less energy"),
    HuffmanClaim("area", 0.06, "about 6 % more area"),
    HuffmanClaim("size", 0.32, "up to 32 % smaller models"),
)

AXES: dict[str, tuple[Any, ...]] = {
    "unit": (Unit("systolic", 128, 128), Unit("systolic", 32, 32), Unit("vector", 16, 64)),
    "port": ((1.0, "demand"), (1.05, "static")),
    "buffer_bytes": (1 * _MIB, 8 * _MIB),
    "bandwidth": (25.6e9, 68e9, 204.8e9),
    "overlap": (0.0, 1.0),
    "batch": (1, 8),
    "tokens": ((512, 0), (512, 128), (32, 512)),
    "static_w": (0.0, 2.0),
}
"""What is swept for time and energy.

``port``: its width, 1.0 that of dense weights, above 1 so many times the mean of the codes; and how
streams are stored. ``tokens``: prompt, generated. The
bandwidths are those of Jetson Nano, Orin Nano and AGX Orin; everything else no source gives."""

AREA_AXES: dict[str, tuple[Any, ...]] = {
    "decoder": ("canonical", "lookup"),
    "longest": (8, 12),
    "fifo_bits": (32, 64),
    "sram_density": (1.0, 3.0, 4.0),
    "table_periphery": (1.3, 2.0, 4.0),
}
"""What is swept for area, for every unit and buffer."""

CLOCK = 1e9
"""Hertz of every design: an assumption. Only its ratio to the bandwidth matters."""


@dataclass(frozen=True, eq=False)
class WeightsMeasured:
    """Real weights and the codes that were made of them.

    Attributes
    ----------
    name, dtype : str
        What the weights are, and a key of `MULTIPLIERS`.
    code : WeightCode
    words : array, shape (outputs, inputs)
        A sample, whose stalls are counted.
    """

    name: str
    dtype: str
    code: WeightCode
    words: Words

    @property
    def size_saving(self) -> float:
        """Of weights, tables counted."""
        return 1 - self.code.bits_per_weight / self.code.bits


@dataclass(frozen=True, eq=False)
class HuffmanRetrace:
    """What `retrace_huffman` found.

    Attributes
    ----------
    weights : tuple of WeightsMeasured
    time_rows : tuple of dict
        One for each set of `AXES`: the set, and savings of latency and energy (``low``,
        ``typical``, ``high`` energies of the table), all as shares.
    area_rows : tuple of dict
        One for each set of `AREA_AXES`, unit and buffer: the overhead, and that with a weight
        buffer of as many weights instead of as many bytes.
    """

    weights: tuple[WeightsMeasured, ...]
    time_rows: tuple[dict[str, Any], ...]
    area_rows: tuple[dict[str, Any], ...]
    axes: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.huffman_retrace import huffman_retrace_text

        return huffman_retrace_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The claims, what was found for each and under which assumptions, as JSON types."""
        from meadow_py.simulator.huffman_hardware.report import retrace_to_dict

        return retrace_to_dict(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """`time_rows` as a table. Needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "HuffmanRetrace.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame(self.time_rows)


def retrace_huffman(
    weights: Sequence[WeightsMeasured],
    *,
    models: Sequence[Any],
    energy: str | EnergyTable = "lpddr4",
    axes: Mapping[str, Sequence[Any]] | None = None,
    area_axes: Mapping[str, Sequence[Any]] | None = None,
) -> HuffmanRetrace:
    """Sweep the assumptions and keep what each set predicts.

    Parameters
    ----------
    weights : sequence of WeightsMeasured
        Whose bits per weight count for all weights of the models: an extrapolation.
    models : sequence
        What `simulate` takes.
    energy : str or EnergyTable
    axes, area_axes : mapping, optional
        Other values of some of `AXES` and of `AREA_AXES`.

    Raises
    ------
    ValueError
        For an axis that is not known, or without values, and as `simulate`.
    """
    chosen = _axes(AXES, axes)
    chosen_area = _axes(AREA_AXES, area_axes)
    table = energy_table(energy)
    sweep = _Sweep(chosen, table)
    time_rows = [row for one in weights for model in models for row in sweep.rows(one, model)]
    area_rows = [row for one in weights for row in _area_rows(one, chosen, chosen_area)]
    return HuffmanRetrace(
        tuple(weights), tuple(time_rows), tuple(area_rows), {**chosen, **chosen_area}
    )


def _axes(
    known: Mapping[str, Sequence[Any]], given: Mapping[str, Sequence[Any]] | None
) -> dict[str, tuple[Any, ...]]:
    unknown = sorted(set(given or {}) - set(known))
    if unknown:
        raise ValueError(f"axes: {', '.join(unknown)}: expected some of {', '.join(known)}")
    chosen = {name: tuple(values) for name, values in {**known, **(given or {})}.items()}
    empty = [name for name, values in chosen.items() if not values]
    if empty:
        raise ValueError(f"axes: {', '.join(empty)}: expected at least one value")
    return chosen


def accelerator(
    unit: Unit, *, bandwidth: float, buffer_bytes: float, energy: str = "lpddr4"
) -> Device:
    """A device of this unit; every number an assumption, static power 0 (it is added later)."""

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


class _Sweep:
    """All sets of time and energy; dense runs are shared by weights of the same width."""

    def __init__(self, axes: dict[str, tuple[Any, ...]], table: EnergyTable) -> None:
        self.axes, self.table = axes, table
        self._dense: dict[tuple[Any, ...], Simulation] = {}

    def rows(self, one: WeightsMeasured, model: Any) -> Iterator[dict[str, Any]]:
        """Every set of one model with the codes of some weights."""
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
    """Two outputs for every decoder, of the sample."""
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
    """Time that weights take on the way from memory, of all the time."""
    moved = one.prefill.total("weight_bytes")
    if one.decode is not None:
        moved += generated * one.decode.total("weight_bytes")
    return moved / one.bandwidth / _seconds(one, generated)


def _area_rows(
    one: WeightsMeasured, axes: dict[str, tuple[Any, ...]], area_axes: dict[str, tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
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
