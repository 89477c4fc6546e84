"""`simulate`: a model on a device, from its shape and the device's numbers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from meadow_py import devices, workload
from meadow_py.simulator.assembly import Assembly
from meadow_py.simulator.dataflows import DATAFLOWS
from meadow_py.simulator.machine import assumptions_of, has_array, machine_of
from meadow_py.simulator.packings import packing_of
from meadow_py.simulator.result import Simulation
from meadow_py.simulator.settings import Settings
from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    from meadow_py.devices import Device, EnergyTable
    from meadow_py.profiler import Profile
    from meadow_py.simulator.packing import Decoder, PackingChoice


def simulate(
    model: Any,
    *,
    device: str | os.PathLike[str] | Device,
    dataflow: str = "best",
    bandwidth: str | float | None = None,
    prompt: int | None = None,
    generate: int = 128,
    packing: PackingChoice = "none",
    profile: Profile | None = None,
    precision: str | Precision = "w8a8",
    batch: int = 1,
    context: int | None = None,
    head: bool = True,
    decoder: Decoder | None = None,
    energy: str | EnergyTable | None = None,
    granularity: str | None = None,
    chunk_size: int | None = None,
    quantizer: str | None = None,
    **settings: Any,
) -> Simulation:
    """Predict time and energy of a model on a device. Nothing is run, and no weight is read.

    Parameters
    ----------
    model
        What `workload.shape_of` takes: a bundled name as ``"opt-125m"``, a ``config.json``, a
        folder, a hub id, a loaded model, a `ModelShape`.
    device : str, path or Device
        A name of ``meadow devices``, a device file, or a `Device`.
    dataflow : {"best", "gemm", "tphs", "roofline"}
        On an array of processing elements ``gemm``, ``tphs``, or per layer the better of the two;
        on every other device a roofline, whatever is asked for but ``tphs``.
    bandwidth : str or float, optional
        Of off-chip memory, ``"12Gb/s"`` or bytes per second; by default what the device achieves.
    prompt : int, optional
        Tokens of the prompt; by default 512, of an encoder of images what it sees.
    generate : int
        Tokens to generate. The token that `Simulation.decode` times stands in their middle.
    packing : str, float or Packing
        See `packing_of`: ``"none"``, ``"1.5x"``, a codec of `profile`.
    profile : Profile, optional
        Whose measured bytes a codec stands for.
    precision : str or Precision
        ``"w8a8"``, ``"w4a16kv8"``.
    batch : int
        Sequences side by side.
    context : int, optional
        Tokens in the KV cache when the timed token is decoded; by default the prompt and half of
        what is generated.
    head : bool
        Whether the head is counted, for the last token of each sequence.
    decoder : Decoder, optional
        Of the packing; by default it never limits.
    energy : str or EnergyTable, optional
        By default that of the device.
    granularity, chunk_size, quantizer
        Which setting of `profile`; see `packing_of`.
    **settings
        Of `Settings`: ``overlap``, ``macs_per_cycle``, ``softmax_per_cycle``, ``on_chip``, ...

    Raises
    ------
    TypeError
        For values of another type.
    ValueError
        For values out of range, names that are not known, TPHS without an array, or a device
        without off-chip memory.
    FormatError, OSError
        For files that cannot be read.
    """
    shape = workload.shape_of(model)
    bits = Precision.parse(precision)
    chosen = devices.get(device)
    if bandwidth is not None:
        chosen = chosen.with_bandwidth(bandwidth)
    options = Settings.of(settings)
    table = devices.energy_table(energy or chosen.energy)
    packed = packing_of(
        packing,
        profile,
        bits=bits.weight_bits,
        granularity=granularity,
        chunk_size=chunk_size,
        decoder=decoder,
        quantizer=quantizer,
    )
    machine = machine_of(chosen, options, bits.operand_bits)
    flow = _dataflow(dataflow, chosen)
    made = Assembly(machine, packed, flow, chosen, table, options)
    prompt = shape.fixed_tokens or 512 if prompt is None else prompt
    before = _context(prompt, generate, context)
    shared: dict[str, Any] = {
        "batch": batch,
        "precision": bits,
        "masked": options.mask_skipped,
        "head": head,
    }
    if not has_array(chosen):
        shared["masked"] = True  # software skips what the mask hides
    prefill = made.phase(workload.of(shape, tokens=prompt, **shared))
    decode = None
    if not shape.encoder:
        decode = made.phase(workload.of(shape, tokens=1, context=before, **shared))
    return Simulation(
        model=shape,
        device=chosen,
        dataflow=flow,
        packing=packed.name,
        precision=bits,
        prompt=prompt,
        generate=generate,
        batch=batch,
        context=before,
        head=head,
        overlap=options.overlap,
        bandwidth=float(machine.bandwidth),
        peak_macs_per_s=float(machine.macs_per_s),
        prefill=prefill,
        decode=decode,
        decode_floor_s_per_token=None if shape.encoder else decode_floor(shape, bits, machine),
        settings=options,
        assumptions=assumptions_of(chosen, options),
        packing_used=packed,
    )


def decode_floor(shape: ModelShape, precision: Precision, machine: Any) -> float:
    """Seconds to read the dense weights of all blocks once: no head, no KV cache, no packing."""
    nbytes = shape.decoder_weights * precision.weight_bits / 8
    return float(nbytes / machine.bandwidth)


def _dataflow(name: str, device: Device) -> str:
    if name not in DATAFLOWS:
        raise ValueError(f"dataflow: expected one of {', '.join(DATAFLOWS)}, found {name!r}")
    if has_array(device):
        if name == "roofline":
            raise ValueError(
                f"dataflow: {device.name} is an array of processing elements; expected gemm, tphs "
                "or best, found 'roofline'"
            )
        return name
    if name == "tphs":
        raise ValueError(
            f"dataflow: tphs needs an array of processing elements, and {device.name} has none; "
            "expected best"
        )
    return "roofline"


def _context(prompt: int, generate: int, context: int | None) -> int:
    for name, value in (("prompt", prompt), ("generate", generate), ("context", context or 0)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name}: expected a whole number of tokens, found {value!r}")
    if generate < 1:
        raise ValueError(f"generate: expected at least 1 token, found {generate}")
    return prompt + generate // 2 if context is None else context
