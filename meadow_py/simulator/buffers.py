"""On-chip memory that a design needs for tiles, dictionary and pipeline registers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import devices as device_room
from meadow_py import workload
from meadow_py.results import data_frame
from meadow_py.simulator.buffer_sizes import BufferSizes
from meadow_py.simulator.machine import Machine, has_array, machine_of
from meadow_py.simulator.named_packings import packing_of
from meadow_py.simulator.packing import Packing, PackingChoice
from meadow_py.simulator.settings import Settings
from meadow_py.simulator.sweeps import Block
from meadow_py.workload import Precision

if TYPE_CHECKING:
    import pandas

    from meadow_py.devices import Device
    from meadow_py.profiler import Profile
    from meadow_py.simulator.result import Simulation

PHASES = ("prefill", "decode")
_KIB = 1024


@dataclass(frozen=True)
class BufferNeed:
    """On-chip memory in bytes, by purpose.

    Attributes
    ----------
    dictionary : float
        The largest table of any decoded weight; only one table is on the chip at a time.
    tiles : float
        Weight, input and output buffers.
    pipeline_registers : float
        Registers between the stages of TPHS; 0 for GEMM.
    """

    dictionary: float
    tiles: float
    pipeline_registers: float

    @property
    def total(self) -> float:
        """Bytes of all three together."""
        return self.dictionary + self.tiles + self.pipeline_registers


@dataclass(frozen=True, eq=False)
class BufferCurve:
    """Latency against on-chip memory; made by `buffer_curve`.

    Attributes
    ----------
    model, device, dataflow, packing : str
    prompt, context : int
        Tokens, as for `simulate`.
    tile_bytes : float64 array
        Bytes of weight, input and output buffers together, in rising order.
    dictionary, pipeline_registers : float
        Bytes needed in addition; see `BufferNeed`.
    prefill_s, decode_s : float64 array
        Seconds at each size; `decode_s` is NaN for encoders.
    """

    model: str
    device: str
    dataflow: str
    packing: str
    prompt: int
    context: int
    tile_bytes: npt.NDArray[np.float64]
    dictionary: float
    pipeline_registers: float
    prefill_s: npt.NDArray[np.float64]
    decode_s: npt.NDArray[np.float64]

    @property
    def total_bytes(self) -> npt.NDArray[np.float64]:
        """Bytes of on-chip memory at each size, shape ``(sizes,)``."""
        made: npt.NDArray[np.float64] = self.tile_bytes + self.dictionary + self.pipeline_registers
        return made

    def seconds(self, phase: str) -> npt.NDArray[np.float64]:
        """Seconds of a phase at each size.

        Parameters
        ----------
        phase : {"prefill", "decode"}

        Returns
        -------
        numpy.ndarray
            float64, shape ``(sizes,)``.

        Raises
        ------
        ValueError
            For an unknown phase, and for decoding with an encoder.
        """
        if phase not in PHASES:
            raise ValueError(f"phase: expected one of {', '.join(PHASES)}, found {phase!r}")
        found = self.prefill_s if phase == "prefill" else self.decode_s
        if np.isnan(found).all():
            raise ValueError(f"phase: {self.model} is an encoder; expected 'prefill'")
        return found

    def smallest(self, target_s: float, phase: str = "prefill") -> BufferNeed:
        """The smallest memory of this curve that meets a latency.

        Parameters
        ----------
        target_s : float
            Longest acceptable latency in seconds.
        phase : {"prefill", "decode"}

        Returns
        -------
        BufferNeed

        Raises
        ------
        ValueError
            If no size meets it; the message gives the shortest latency of the curve.
        """
        times = self.seconds(phase)
        fits = np.flatnonzero(times <= target_s)
        if not fits.size:
            raise ValueError(
                f"target_s: expected at least {times.min():.6g} s, the shortest {phase} with "
                f"buffers of up to {self.total_bytes[-1]:.0f} bytes, found {target_s:g} s"
            )
        return self.need(int(fits[0]))

    def need(self, place: int) -> BufferNeed:
        """The memory at one size of the curve, by purpose.

        Parameters
        ----------
        place : int
            Index of the size in `tile_bytes`.

        Returns
        -------
        BufferNeed
        """
        tiles = float(self.tile_bytes[place])
        return BufferNeed(self.dictionary, tiles, self.pipeline_registers)

    def to_dict(self) -> dict[str, Any]:
        """Convert the curve to JSON types; NaN becomes None.

        Returns
        -------
        dict
        """
        arrays = {"tile_bytes", "prefill_s", "decode_s"}
        plain = {name: value for name, value in vars(self).items() if name not in arrays}
        decode = None if np.isnan(self.decode_s).all() else self.decode_s.tolist()
        times = {"prefill_s": self.prefill_s.tolist(), "decode_s": decode}
        return {"version": 1, **plain, "tile_bytes": self.tile_bytes.tolist(), **times}

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per size. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        columns = {"total_bytes": self.total_bytes, "tile_bytes": self.tile_bytes}
        return data_frame(self, {**columns, "prefill_s": self.prefill_s, "decode_s": self.decode_s})


def buffer_curve(
    model: Any,
    *,
    device: str | os.PathLike[str] | Device,
    dataflow: str = "best",
    bandwidth: str | float | None = None,
    prompt: int | None = None,
    context: int | None = None,
    packing: PackingChoice = "none",
    profile: Profile | None = None,
    precision: str | Precision = "w8a8",
    batch: int = 1,
    head: bool = True,
    sizes: npt.ArrayLike | None = None,
    **settings: Any,
) -> BufferCurve:
    """Latency against the size of the on-chip buffers of an array of processing elements.

    Parameters
    ----------
    model, device, dataflow, bandwidth, prompt, context, packing, profile, precision, batch, head
        As for `simulate`; by default, `context` is the length of the prompt.
    sizes : array of float, optional
        Bytes of weight, input and output buffers together. By default, from the smallest size in
        which every operation works to the smallest beyond which nothing gets faster, evenly spaced
        on a logarithmic scale.
    **settings
        Fields of `Settings`, but not ``on_chip``, which the curve varies.

    Returns
    -------
    BufferCurve

    Raises
    ------
    ValueError
        For a device without an array, for ``on_chip``, for sizes too small for one row of a weight
        or one token's input to it, and as `simulate`.
    """
    shape, bits = workload.shape_of(model), Precision.parse(precision)
    chosen = device_room.get(device)
    if not has_array(chosen):
        raise ValueError(
            f"device {chosen.name} must have an array of processing elements, because the buffers "
            "are sized for one"
        )
    chosen = chosen if bandwidth is None else chosen.with_bandwidth(bandwidth)
    if settings.get("on_chip") is not None:
        raise ValueError(
            f"on_chip must be left out, because the curve varies it, not {settings['on_chip']!r}; "
            "choose its values with sizes=..."
        )
    options = Settings.of(settings)
    packed = packing_of(packing, profile, bits=bits.weight_bits)
    tokens = prompt or shape.fixed_tokens or 512
    before = tokens if context is None else context
    made = BufferSizes(shape, bits, options, tokens, batch)
    tiles = made.sizes(sizes)
    machine = machine_of(chosen, options, bits.operand_bits)
    machine = machine.with_(
        weight_buffer=tiles * options.weight_share, input_buffer=tiles * options.input_share
    )
    times = [
        _times(Block(shape, np.array([count]), batch, bits, options.mask_skipped, head), phase)
        for count, phase in ((tokens, "prefill"), (before, "decode"))
    ]
    prefill, decode = (one(machine, packed, dataflow, tiles.size) for one in times)
    return BufferCurve(
        shape.name,
        chosen.name,
        dataflow,
        packed.name,
        tokens,
        before,
        tiles,
        made.dictionary(packed, float(machine.clock)),
        0.0 if dataflow == "gemm" else made.registers(chosen, max(tokens, before + 1)),
        prefill,
        decode,
    )


def curve_of(simulation: Simulation, sizes: npt.ArrayLike | None = None) -> BufferCurve:
    """Latency against on-chip memory, for the inputs of a simulation.

    Returns
    -------
    BufferCurve

    Raises
    ------
    ValueError
        As `buffer_curve`, and for a simulation that was loaded without the measured bytes of its
        packing.
    """
    from meadow_py.simulator.curves import packing_again

    return buffer_curve(
        simulation.model,
        device=simulation.device,
        dataflow=simulation.dataflow,
        prompt=simulation.prompt,
        context=simulation.context,
        packing=packing_again(simulation),
        precision=simulation.precision,
        batch=simulation.batch,
        head=simulation.head,
        sizes=sizes,
        **{**vars(simulation.settings), "on_chip": None},
    )


def _times(block: Block, phase: str) -> Any:
    def seconds(
        machine: Machine, packing: Packing, dataflow: str, count: int
    ) -> npt.NDArray[np.float64]:
        found = block.seconds(getattr(block, phase), machine, packing, dataflow)
        spread: npt.NDArray[np.float64] = np.full(count, found, float)
        return spread

    return seconds
