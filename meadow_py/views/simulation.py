"""The words of a simulation, which terminal, HTML and plots share."""

from __future__ import annotations

from meadow_py.simulator import Assumption, Band, Energy, Phase, Simulation
from meadow_py.simulator.components import (
    HEAD,
    Waits,
    binding,
    bytes_by_group,
    chosen_dataflows,
    waits,
    waits_by_group,
)
from meadow_py.spelling import byte_size, visible

PHASE_TITLES = {"prefill": "prompt", "decode": "one token"}
WAITS = (
    ("weights", "weights"),
    ("activations", "activations"),
    ("kv_cache", "KV cache"),
    ("compute", "compute"),
    ("overhead", "device"),
)
"""Fields of `Waits`, and what they are called."""
COMPONENTS = (
    ("off_chip", "off-chip"),
    ("on_chip", "on-chip"),
    ("compute", "compute"),
    ("static", "static"),
)
"""Fields of `Energy`, and what they are called."""
BOUNDS = {
    "memory": "memory",
    "compute": "compute",
    "softmax": "softmax",
    "decoder": "the decoder",
    "overhead": "the device's own time",
}
DATAFLOWS = {"gemm": "GEMM", "tphs": "TPHS", "roofline": "roofline", "best": "the better one"}
_ALL = 0.995  # shares from this on count as all
_NONE = 0.005  # shares below this count as hardly anything


def title(simulation: Simulation) -> str:
    """``opt-125m on Xilinx ZCU102``."""
    return f"{visible(simulation.model.name)} on {visible(simulation.device.title)}"


def setting(simulation: Simulation) -> str:
    """Precision, packing, bandwidth and lengths."""
    lengths = f"prompt of {simulation.prompt}"
    if simulation.decode is not None:
        lengths += f", one token after a context of {simulation.context}"
    sequences = "" if simulation.batch == 1 else f", {simulation.batch} sequences"
    packing = "weights dense" if simulation.packing == "none" else f"packing {simulation.packing}"
    head = "" if simulation.head else ", without head"
    return (
        f"{simulation.precision}, {visible(packing)}, memory at {rate(simulation.bandwidth)}; "
        f"{lengths}{sequences}{head}"
    )


def headline(simulation: Simulation) -> str:
    """Time to the first token, speed, energy: the answer in one sentence."""
    first = f"First token after {seconds(simulation.prefill_s)}"
    speed, energy = simulation.tokens_per_s, simulation.energy_per_token
    if speed is None or energy is None:
        used = simulation.prefill.energy.total
        return f"One pass takes {seconds(simulation.prefill_s)} and {joules(used)}."
    return f"{first}, then {number(speed)} tokens/s at {joules(energy.total)} a token."


def glance_headings(simulation: Simulation) -> list[str]:
    """Columns of `glance_rows`."""
    return ["", *(PHASE_TITLES[name] for name in phases(simulation))]


def glance_rows(simulation: Simulation) -> list[list[str]]:
    """Time, speed, energy, bound and dataflow of the prompt and of a token."""
    made = phases(simulation)
    energies = [phase_energy(simulation, name).total for name in made]
    speed, floor = simulation.tokens_per_s, simulation.decode_floor_s_per_token
    rows = [["time", *(seconds(phase.seconds) for phase in made.values())]]
    if speed is not None and floor is not None:
        rows.append(["tokens/s", "", number(speed)])
        rows.append(["floor: dense weights of blocks once", "", seconds(floor)])
    rows.append(["energy", *(joule(band.typical) for band in energies)])
    rows.append(["low to high", *(f"{joule(b.low)} to {joule(b.high)}" for b in energies)])
    rows.append(["bound by", *(_bound(phase) for phase in made.values())])
    if simulation.dataflow != "roofline":
        chosen = " (chosen)" if simulation.dataflow == "best" else ""
        name = f"dataflow of attention{chosen}"
        rows.append([name, *(_flows(phase) for phase in made.values())])
    return rows


def _bound(phase: Phase) -> str:
    name, share = binding(phase)
    said = BOUNDS.get(name, visible(name))
    return said if share >= _ALL else f"{said} ({share:.0%})"


def _flows(phase: Phase) -> str:
    found = chosen_dataflows(phase)
    named = {DATAFLOWS.get(name, visible(name)): count for name, count in found.items()}
    if len(named) < 2:
        return next(iter(named), "-")
    return ", ".join(f"{name} in {count} blocks" for name, count in named.items())


def addition_line(simulation: Simulation) -> str:
    """The parts of a token's time that blocks, KV cache and head take."""
    phase = simulation.decode
    if phase is None:
        return ""
    head = waits_by_group(phase).get(HEAD, Waits())
    parts = {name: getattr(waits(phase), name) - getattr(head, name) for name, _ in WAITS}
    named = [
        f"{label} {seconds(parts[name])}"
        for name, label in WAITS
        if parts[name] >= _NONE * phase.seconds
    ]
    last = f"the head {seconds(head.seconds)}" if simulation.head else "the head is not counted"
    return (
        f"Of a token's {seconds(phase.seconds)}, all but the head takes "
        f"{seconds(phase.seconds - head.seconds)} ({', '.join(named)}), {last}."
    )


def fit_line(simulation: Simulation) -> str:
    """A note if the memory cannot hold what a token reads; else empty."""
    memory, phase = simulation.device.memory, simulation.decode or simulation.prefill
    kept = sum(row.weight_bytes + row.kv_bytes for row in phase.layers)
    if memory is None or simulation.decode is None or kept <= memory.capacity.value:
        return ""
    return (
        f"It does not fit: a token reads {byte_size(round(kept))} of weights and KV cache, and the "
        f"memory holds {byte_size(round(memory.capacity.value))}. meadow plan lists the forms "
        "that fit."
    )


def phases(simulation: Simulation) -> dict[str, Phase]:
    """``prefill``, and ``decode`` where there is one."""
    found = {"prefill": simulation.prefill, "decode": simulation.decode}
    return {name: phase for name, phase in found.items() if phase is not None}


def phase_energy(simulation: Simulation, name: str) -> Energy:
    """The energy of the prompt, or of one token of one sequence."""
    per_token = simulation.energy_per_token
    if name == "decode" and per_token is not None:
        return per_token
    return simulation.prefill.energy


def time_headings(phase: Phase) -> list[str]:
    """Columns of `time_rows`; the first is empty."""
    unit = _table_unit(phase.seconds)[1]
    labels = dict(WAITS)
    rest = ["other"] if _others(phase) else []
    return ["", f"{unit}s", "share", *(labels[name] for name in _columns(phase)), *rest, "moved"]


def time_rows(phase: Phase) -> tuple[list[list[str]], list[str]]:
    """Kinds of operations with what they wait for, and their sum; all in one unit."""
    moved, found = bytes_by_group(phase), waits_by_group(phase)
    rows = [_time_row(name, part, moved.get(name, 0.0), phase) for name, part in found.items()]
    return rows, _time_row("all", waits(phase), sum(moved.values()), phase)


def _columns(phase: Phase) -> list[str]:
    """The fields of `Waits` that take half a per cent of the pass or more."""
    total = waits(phase)
    return [name for name, _ in WAITS if getattr(total, name) >= _NONE * phase.seconds]


def _others(phase: Phase) -> list[str]:
    total = waits(phase)
    return [name for name, _ in WAITS if 0 < getattr(total, name) < _NONE * phase.seconds]


def _time_row(name: str, part: Waits, moved: float, phase: Phase) -> list[str]:
    factor = _table_unit(phase.seconds)[0]
    others = _others(phase)
    rest = [sum(getattr(part, name) for name in others)] if others else []
    waited = [*(getattr(part, name) for name in _columns(phase)), *rest]
    return [
        name,
        _figure(part.seconds, factor),
        f"{part.seconds / phase.seconds if phase.seconds else 0:.0%}",
        *(_figure(one, factor) for one in waited),
        byte_size(round(moved)) if moved else "-",
    ]


def _table_unit(total: float) -> tuple[float, str]:
    """A prefix that gives a sum two to four digits, so that its parts still show some."""
    return _unit(total / 10)


def _unit(value: float) -> tuple[float, str]:
    """A prefix that gives a value one to three digits before the point."""
    units = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
    return next((unit for unit in units if value >= 0.9995 * unit[0]), units[-1])


def _figure(value: float, factor: float) -> str:
    """Three digits; values that need more than two decimals are shown as below 0.01."""
    if not value:
        return "-"
    return number(value / factor) if value >= 0.01 * factor else "<0.01"


def layer_rows(phase: Phase) -> list[list[str]]:
    """One row per layer: time, what bounds most of it, dataflow, bytes by kind."""
    rows = []
    for name in dict.fromkeys(row.name for row in phase.layers):
        found = [row for row in phase.layers if row.name == name]
        longest = max(found, key=lambda row: row.seconds)
        flows = {row.dataflow for row in found}
        flow = "tphs" if "tphs" in flows else next(iter(flows))
        rows.append(
            [
                visible(name),
                seconds(sum(row.seconds for row in found)),
                BOUNDS.get(longest.bound, visible(longest.bound)),
                DATAFLOWS.get(flow, visible(flow)),
                *(
                    byte_size(round(sum(getattr(row, key) for row in found)))
                    for key in ("weight_bytes", "activation_bytes", "kv_bytes")
                ),
            ]
        )
    return rows


LAYER_HEADINGS = ("layer", "time", "bound by", "dataflow", "weights", "activations", "KV cache")


def energy_rows(simulation: Simulation) -> tuple[list[list[str]], list[str]]:
    """Components with their bands, for the prompt and for a token, and their sums."""
    energies = [phase_energy(simulation, name) for name in phases(simulation)]
    rows = [
        [label, *(cell for e in energies for cell in _energy_cells(getattr(e, name), e.total))]
        for name, label in COMPONENTS
    ]
    return rows, ["all", *(cell for e in energies for cell in _energy_cells(e.total, e.total))]


def energy_headings(simulation: Simulation) -> list[str]:
    """Columns of `energy_rows`; the first is empty."""
    found = [""]
    for name in phases(simulation):
        unit = _table_unit(phase_energy(simulation, name).total.typical)[1]
        found += [f"{PHASE_TITLES[name]}\n{unit}J", "low to\nhigh", "\nshare"]
    return found


def _energy_cells(band: Band, total: Band) -> list[str]:
    factor = _table_unit(total.typical)[0]
    share = band.typical / total.typical if total.typical else 0.0
    if not band.high:
        return ["-", "-", "-"]
    low, high = _figure(band.low, factor), _figure(band.high, factor)
    return [_figure(band.typical, factor), f"{low} to {high}", f"{share:.0%}"]


def assumption_line(simulation: Simulation) -> str:
    """The names and values of all assumptions."""
    said = "; ".join(f"{a.name} {value_of(a)} {a.unit}".rstrip() for a in simulation.assumptions)
    if not said:
        return ""
    return f"Assumed, as no source gives it: {said}. Reasons are in --json."


def value_of(assumption: Assumption) -> str:
    """A number without needless digits, or words."""
    value = assumption.value
    return visible(value) if isinstance(value, str) else f"{value:g}"


def energy_line(simulation: Simulation) -> str:
    """The source of the energies per bit."""
    static = "" if simulation.device.power else " Static power is unknown and is not counted."
    return (
        f"Energy: table {visible(simulation.device.energy)}; low to high is the range of its "
        f"sources.{static}"
    )


def joules(band: Band) -> str:
    """``0.2 J (0.038 to 0.35)``."""
    return f"{joule(band.typical)} ({joule(band.low)} to {joule(band.high)})"


def joule(value: float) -> str:
    """``203 mJ``."""
    return _prefixed(value, "J")


def seconds(value: float) -> str:
    """``117 ms``."""
    return _prefixed(value, "s")


def _prefixed(value: float, unit: str) -> str:
    factor, prefix = _unit(value)
    return f"{number(value / factor)} {prefix}{unit}" if value else f"0 {unit}"


def rate(bytes_per_s: float) -> str:
    """``1.5 GB/s (12 Gb/s)``: both, so that bytes and bits are never mixed up."""
    return f"{byte_size(round(bytes_per_s))}/s ({number(8 * bytes_per_s / 1e9)} Gb/s)"


def number(value: float) -> str:
    """Three digits, without an exponent if that is readable."""
    if value >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1e-3 or not value else f"{value:.2g}"
