"""A device as the dataflows see it: plain numbers, or arrays of them to sweep in one call."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py.devices import Device
from meadow_py.simulator.phase import Assumption
from meadow_py.simulator.settings import Settings

Value = float | npt.NDArray[Any]
"""A number, or an array that broadcasts with the others of a machine and of its workload."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Machine:
    """The numbers from which times follow. Each may be an array.

    Attributes
    ----------
    bandwidth : float
        Off-chip bytes per second.
    overlap : float
        0: transfer and compute follow one another; 1: only the longer one counts.
    macs_per_s : float
        Multiply-accumulates per second of matrix products with weights, from all elements that
        GEMM mode uses.
    clock : float
        Hertz; 0 if the device has no array of elements.
    parallel, broadcasting : float
        Multiply-accumulates per second of the two kinds of elements in a pipeline.
    softmax_per_s, elementwise_per_s : float
        Values per second.
    fill_s : float
        Seconds that a pipeline takes to fill, once per head.
    weight_buffer, input_buffer : float
        Bytes of the on-chip buffers for stationary operands.
    on_chip : float
        Bytes of all on-chip memory.
    score_factor : float
        Bits of a score between QK^T, softmax and SMxV, divided by the bits of an activation.
    elementwise_to_memory : float
        1: norms, residuals and activations read and write off-chip memory; 0: they are fused with
        the adjacent product.
    overhead_s : float
        Seconds added per pass.
    """

    bandwidth: Value
    overlap: Value
    macs_per_s: Value
    clock: Value = 0.0
    parallel: Value = 0.0
    broadcasting: Value = 0.0
    softmax_per_s: Value = np.inf
    elementwise_per_s: Value = np.inf
    fill_s: Value = 0.0
    weight_buffer: Value = np.inf
    input_buffer: Value = np.inf
    on_chip: Value = 0.0
    score_factor: Value = 1.0
    elementwise_to_memory: Value = 0.0
    overhead_s: Value = 0.0

    def with_(self, **changes: Value) -> Machine:
        """A copy with some numbers replaced."""
        known = {field.name for field in fields(self)}
        unknown = set(changes) - known
        if unknown:
            found = ", ".join(sorted(unknown))
            raise ValueError(f"unknown number {found}: expected one of {', '.join(known)}")
        return replace(self, **changes)


def has_array(device: Device) -> bool:
    """Whether the dataflows of an accelerator apply, rather than a roofline."""
    return device.compute.pe_array is not None


def machine_of(device: Device, settings: Settings, bits: int) -> Machine:
    """The numbers of a device, overridden by those of `settings`.

    Parameters
    ----------
    device : Device
    settings : Settings
    bits : int
        Bits of the wider of the two operands, weight and activation.

    Returns
    -------
    Machine

    Raises
    ------
    ValueError
        If the device has no off-chip memory, or gives no speed for operands of that width.
    """
    if device.memory is None:
        raise ValueError(
            f"device {device.name} must have memory outside the chip, from which weights are read; "
            "mp.plan also takes devices without it"
        )
    bandwidth = device.memory.usable_bandwidth.value
    overhead = device.per_token_overhead_s
    shared = {
        "bandwidth": bandwidth,
        "overlap": settings.overlap,
        "on_chip": device.on_chip.total.value,
        "overhead_s": 0.0 if overhead is None else overhead.value,
    }
    if not has_array(device):
        return Machine(macs_per_s=_operations(device, bits) / 2, **shared)
    return _array_machine(device, settings, bits, shared)


def _operations(device: Device, bits: int) -> float:
    return device.compute.operations_per_second(bits)


def _array_machine(
    device: Device, settings: Settings, bits: int, shared: dict[str, Any]
) -> Machine:
    array = device.compute.pe_array
    assert array is not None  # noqa: S101 the caller has checked
    parallel = array.parallel if settings.parallel is None else settings.parallel
    broadcasting = array.broadcasting if settings.broadcasting is None else settings.broadcasting
    each = settings.macs_per_cycle or array.macs_per_cycle.value
    clock = settings.clock or array.clock.value
    # Multipliers are built for INT8; the device says how much slower wider operands are.
    width = _operations(device, bits) / _operations(device, 8) if bits > 8 else 1.0
    rate = each * clock * device.compute.efficiency.value * width
    in_gemm = parallel + (broadcasting if settings.gemm_elements == "all" else 0)
    softmax = settings.softmax_per_cycle or float(broadcasting)
    weight, inputs = buffer_sizes(device, settings)
    return Machine(
        macs_per_s=in_gemm * rate,
        clock=clock,
        parallel=parallel * rate,
        broadcasting=broadcasting * rate,
        softmax_per_s=softmax * clock,
        elementwise_per_s=(settings.elementwise_per_cycle or float(in_gemm)) * clock,
        fill_s=settings.fill_cycles / clock,
        weight_buffer=weight,
        input_buffer=inputs,
        score_factor=settings.score_factor,
        elementwise_to_memory=float(settings.elementwise_to_memory),
        **shared,
    )


def buffer_sizes(device: Device, settings: Settings) -> tuple[float, float]:
    """Bytes of the weight buffer and of the input buffer."""
    total = device.on_chip.total.value if settings.on_chip is None else settings.on_chip
    weight, inputs = device.on_chip.weight, device.on_chip.input
    if settings.on_chip is None and weight is not None and inputs is not None:
        return weight.value, inputs.value
    return total * settings.weight_share, total * settings.input_share


def assumptions_of(device: Device, settings: Settings) -> tuple[Assumption, ...]:
    """The values that the prediction rests on and no source gives."""
    found = list(settings.assumptions()) if has_array(device) else []
    array = device.compute.pe_array
    if array is not None and settings.macs_per_cycle is None:
        found.append(_of_device("macs_per_cycle", array.macs_per_cycle, "MAC/cycle"))
    named = {"compute.efficiency": (device.compute.efficiency, "")}
    if device.power is not None:
        named["power.static"] = (device.power.static, "W")
    if device.per_token_overhead_s is not None:
        named["per_token_overhead_s"] = (device.per_token_overhead_s, "s")
    found += [
        _of_device(name, quantity, unit)
        for name, (quantity, unit) in named.items()
        if quantity.kind == "assumed"
    ]
    return tuple(found)


def _of_device(name: str, quantity: Any, unit: str) -> Assumption:
    return Assumption(name, quantity.value, unit, quantity.source)
