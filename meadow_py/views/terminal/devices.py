"""Devices as text: a table of all, and one with every number and its source."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meadow_py.devices import Device, Quantity
from meadow_py.devices.device import rows_of
from meadow_py.spelling import visible

_FOOTNOTE = (
    "GB/s: bandwidth of the memory, its peak and what was measured of it (or derived from speeds). "
    "INT8: peak operations/s, a multiply-accumulate is two; * assumed, no source gives it. Every "
    "number with its source: meadow devices show NAME."
)
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def devices_view(devices: Iterable[Device]) -> RenderableType:
    """One row for each device."""
    table = _table()
    table.add_column("device", no_wrap=True)
    for name in ("memory", "peak\nGB/s", "meas.\nGB/s", "INT8\nTOPS", "on chip"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("storage,\nread GB/s", overflow="fold")
    table.add_column("W", justify="right", no_wrap=True)
    for device in devices:
        table.add_row(visible(device.name), *_cells(device))
    return Group(table, Text(), Text(_FOOTNOTE, style="dim"))


def _table() -> Table:
    return Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")


def _cells(device: Device) -> list[str]:
    memory, power = device.memory, device.power
    storages = (f"{visible(s.name)} {s.read_bandwidth.value / 1e9:.3g}" for s in device.storages)
    return [
        "-" if memory is None else binary(memory.capacity.value),
        "-" if memory is None else f"{memory.bandwidth.value / 1e9:.3g}",
        "-" if memory is None or memory.achieved is None else f"{memory.achieved.value / 1e9:.3g}",
        _operations(device),
        binary(device.on_chip.total.value),
        "\n".join(storages) or "-",
        "-" if power is None else f"{(power.active or power.static).value:.3g}",
    ]


def _operations(device: Device) -> str:
    compute = device.compute
    of = compute.int8 or compute.f16 or compute.f32
    assumed = compute.pe_array.macs_per_cycle if compute.pe_array is not None else of
    mark = "*" if assumed is not None and assumed.kind == "assumed" else " "
    return f"{compute.peak_operations_per_second(8) / 1e12:.3g}{mark}"


def device_view(device: Device) -> RenderableType:
    """One device: every number with its range and kind; the sources follow below."""
    head = Text(f"{visible(device.name)}: {visible(device.title)}\n")
    head.stylize("bold", 0, len(visible(device.name)))
    head.append(f"{visible(device.kind)}; energy table {visible(device.energy)}")
    table, sources = _table(), dict[str, int]()
    for name, side in (("", "left"), ("value", "right"), ("range", "left"), ("kind", "left")):
        table.add_column(name, justify=side, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("source", justify="right", no_wrap=True)
    for name, quantity, unit in rows_of(device):
        number = sources.setdefault(quantity.source, len(sources) + 1)
        cells = [spelled(quantity.value, unit), _range(quantity, unit), quantity.kind]
        table.add_row(visible(name), *cells, Text(f"[{number}]"), style=_style(quantity))
    notes = [Text(), Text(visible(" ".join(device.notes.split())))] if device.notes else []
    return Group(head, Text(), table, Text(), _listed(sources), *notes)


def _style(quantity: Quantity) -> str | None:
    return "dim" if quantity.kind == "assumed" else None


def _listed(sources: dict[str, int]) -> RenderableType:
    table = _table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("where it is from", overflow="fold")
    for source, number in sources.items():
        table.add_row(Text(f"[{number}]"), Text(visible(source)))
    return table


def _range(quantity: Quantity, unit: str) -> str:
    if quantity.low == quantity.high:
        return ""
    return f"{spelled(quantity.low, unit)} to {spelled(quantity.high, unit)}"


def spelled(value: float, unit: str) -> str:
    """A number of base units with a prefix: ``17.1 GB/s``, ``4 MiB``, ``10.2 ms``, ``0.4``."""
    if unit == "B":
        return binary(value)
    if not unit:
        return f"{value:.3g}"
    if unit == "s" and value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{scaled(value)}{unit}"


def scaled(value: float) -> str:
    """``17.1 G``; small numbers as they are."""
    for factor, prefix in _SCALES:
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.3g} "


def binary(value: float) -> str:
    """``8 GiB``."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{value / 1024**power:.3g} {unit}"
    return f"{value:.0f} B"
