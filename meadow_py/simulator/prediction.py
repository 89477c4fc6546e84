"""`simulate`: predict a model on a device from its shape and the device's numbers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from meadow_py import devices, workload
from meadow_py.simulator.assembly import Assembly
from meadow_py.simulator.dataflows import DATAFLOWS
from meadow_py.simulator.machine import assumptions_of, has_array, machine_of
from meadow_py.simulator.named_packings import packing_of
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
        Anything `workload.shape_of` takes: a bundled name such as ``"opt-125m"``, a
        ``config.json``, a folder, a hub id, a loaded model, a `ModelShape`.
    device : str, path or Device
        A name listed by ``meadow devices``, a device file, or a `Device`.
    dataflow : {"best", "gemm", "tphs", "roofline"}
        On an array of processing elements: ``gemm``, ``tphs``, or ``best``, the better of the two
        for each layer. On any other device, every choice but ``tphs`` means a roofline.
    bandwidth : str or float, optional
        Bandwidth of off-chip memory: ``"12Gb/s"``, or bytes per second. By default, the bandwidth
        that the device achieves.
    prompt : int, optional
        Tokens in the prompt. By default 512; for an encoder of images, the tokens that it sees.
    generate : int
        Tokens to generate. `Simulation.decode` times the token halfway through them.
    packing : str, float or Packing
        ``"none"``, a ratio such as ``"1.5x"``, or a codec of `profile`; see `packing_of`.
    profile : Profile, optional
        The profile that gives the measured bytes of a codec.
    precision : str or Precision
        Bits of weights, activations and KV cache: ``"w8a8"``, ``"w4a16kv8"``.
    batch : int
        Number of sequences processed together.
    context : int, optional
        Tokens in the KV cache when the timed token is decoded. By default, the prompt plus half of
        the generated tokens.
    head : bool
        Whether to count the head, which runs for the last token of each sequence.
    decoder : Decoder, optional
        Decoder of the packing. By default, decoding is never the limit.
    energy : str or EnergyTable, optional
        Energy table. By default, the device's own.
    granularity, chunk_size, quantizer
        Which setting of `profile` to use; see `packing_of`.
    **settings
        Fields of `Settings`: ``overlap``, ``macs_per_cycle``, ``softmax_per_cycle``, ...

    Returns
    -------
    Simulation

    Raises
    ------
    TypeError
        For arguments of the wrong type.
    ValueError
        For values out of range, unknown names, TPHS on a device without an array, or a device
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
        shared["masked"] = True  # software skips the scores that the mask hides
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
                f"dataflow: {device.name} has an array of processing elements; expected gemm, tphs "
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
