"""Which dataflow is better, over bandwidth and number of elements (MEADOW's Figure 12)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from meadow_py import devices as device_room
from meadow_py import workload
from meadow_py.results import data_frame
from meadow_py.simulator.assembly import packed_weights
from meadow_py.simulator.cost import DataflowInputs
from meadow_py.simulator.curves import packing_again
from meadow_py.simulator.dataflows import layer_costs, seconds
from meadow_py.simulator.machine import Machine, machine_of
from meadow_py.simulator.named_packings import packing_of
from meadow_py.simulator.packing import PackingChoice
from meadow_py.simulator.settings import Settings
from meadow_py.workload import ATTENTION_CORE, Pass, Precision

if TYPE_CHECKING:
    import pandas

    from meadow_py.devices import Device, ProcessingElements
    from meadow_py.simulator.result import Simulation


Growth = Literal["parallel", "proportional"]
ELEMENTS = (14, 24, 36, 48, 60, 72, 84, 96)
BANDWIDTHS = tuple(f"{gigabits}Gb/s" for gigabits in (1, 2, 4, 6, 9, 12, 18, 25, 36, 51))
"""The paper's Figure 12 spans 14 to 96 elements and 1 to 51 Gb/s; the steps between are ours."""
# Defaults of a map: bandwidths from 1/16 to 16 times the simulation's, points along that axis, and
# points along the axis of elements.
_SPAN, _STEPS, _ROWS = 16.0, 97, 42


@dataclass(frozen=True, eq=False)
class DataflowMap:
    """Time of the attention core of one block under both dataflows; made by `dataflow_map`.

    Attributes
    ----------
    model, device, packing : str
    prompt : int
        Tokens in the prompt.
    growth : str
        Which elements are added as the array grows.
    elements : int64 array, shape (elements,)
        Numbers of elements, both kinds together.
    bandwidths : float64 array, shape (bandwidths,)
        Bytes per second.
    gemm_s, tphs_s : float64 array, shape (elements, bandwidths)
        Seconds of Q, QK^T, softmax and SMxV.
    """

    model: str
    device: str
    packing: str
    prompt: int
    growth: str
    elements: npt.NDArray[np.int64]
    bandwidths: npt.NDArray[np.float64]
    gemm_s: npt.NDArray[np.float64]
    tphs_s: npt.NDArray[np.float64]

    @property
    def tphs_is_better(self) -> npt.NDArray[np.bool_]:
        """Whether TPHS takes less time: bool, shape ``(elements, bandwidths)``."""
        found: npt.NDArray[np.bool_] = self.tphs_s < self.gemm_s
        return found

    def to_dict(self) -> dict[str, Any]:
        """Convert the map to JSON types.

        Returns
        -------
        dict
        """
        return {
            "version": 1,
            **{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()},
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per number of elements and bandwidth. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        shape = self.gemm_s.shape
        columns = {
            "elements": np.broadcast_to(self.elements[:, None], shape).ravel(),
            "bandwidth": np.broadcast_to(self.bandwidths, shape).ravel(),
            "gemm_s": self.gemm_s.ravel(),
            "tphs_s": self.tphs_s.ravel(),
        }
        return data_frame(self, columns)


def dataflow_map(
    model: Any,
    *,
    device: str | os.PathLike[str] | Device = "zcu102",
    prompt: int | None = None,
    elements: Sequence[int] = ELEMENTS,
    bandwidths: Sequence[str | float] = BANDWIDTHS,
    growth: Growth = "parallel",
    packing: PackingChoice = "none",
    precision: str | Precision = "w8a8",
    batch: int = 1,
    **settings: Any,
) -> DataflowMap:
    """Compare the dataflows over bandwidth and number of elements.

    Parameters
    ----------
    model, device, prompt, packing, precision, batch
        As for `simulate`.
    elements : sequence of int
        Numbers of elements, both kinds together.
    bandwidths : sequence of str or float
        ``"12Gb/s"``, or bytes per second.
    growth : {"parallel", "proportional"}
        Which elements are added as the array grows: parallel ones only, with the device's
        broadcasting ones unchanged, or both kinds in the device's proportion. No source says which
        of these MEADOW's Figure 12 shows.
    **settings
        Fields of `Settings`.

    Returns
    -------
    DataflowMap

    Raises
    ------
    ValueError
        For a device without an array, for fewer elements than `growth` allows, and as `simulate`.
    """
    if growth not in get_args(Growth):
        raise ValueError(f"growth: expected one of {', '.join(get_args(Growth))}, found {growth!r}")
    shape, bits = workload.shape_of(model), Precision.parse(precision)
    chosen = device_room.get(device)
    array = chosen.compute.pe_array
    if array is None:
        raise ValueError(f"device {chosen.name} must have an array of processing elements")
    speeds = np.array([_bytes_per_second(one) for one in bandwidths])
    options, packed = Settings.of(settings), packing_of(packing, bits=bits.weight_bits)
    tokens = prompt or shape.fixed_tokens or 512
    block = Pass(shape, tokens, 0, batch, options.mask_skipped).block()
    core = tuple(one for one in block if one.name in ATTENTION_CORE)
    found = np.empty((2, len(elements), speeds.size))
    for row, count in enumerate(elements):
        machine = _grown(chosen, array, options, bits, growth, count).with_(bandwidth=speeds)
        weights = packed_weights("layers.0", core, bits, packed, float(machine.clock))
        setting = DataflowInputs(machine, bits, weights, shape.heads, shape.kv_heads, batch)
        for place, flow in enumerate(("gemm", "tphs")):
            found[place, row] = seconds(layer_costs(core, setting, flow))
    counts = np.asarray(elements, np.int64)
    names = (shape.name, chosen.name, packed.name, tokens, growth)
    return DataflowMap(*names, counts, speeds, found[0], found[1])


def map_of(
    simulation: Simulation,
    bandwidths: Sequence[float] | None = None,
    elements: Sequence[int] | None = None,
    growth: Growth = "parallel",
) -> DataflowMap:
    """See `Simulation.dataflow_map`."""
    array = simulation.device.compute.pe_array
    least, most = (1, 1) if array is None else (array.broadcasting + 2, array.count)
    here = simulation.bandwidth
    return dataflow_map(
        simulation.model,
        device=simulation.device,
        prompt=simulation.prompt,
        elements=elements
        or np.unique(np.linspace(least, most, _ROWS).round()).astype(int).tolist(),
        bandwidths=bandwidths or np.geomspace(here / _SPAN, here * _SPAN, _STEPS).tolist(),
        growth=growth,
        packing=packing_again(simulation),
        precision=simulation.precision,
        batch=simulation.batch,
        **vars(simulation.settings),
    )


def _bytes_per_second(bandwidth: str | float) -> float:
    if isinstance(bandwidth, str):
        return device_room.parse_bandwidth(bandwidth)
    if not 0 < bandwidth < float("inf"):
        raise ValueError(f"bandwidths: expected more than 0 bytes per second, found {bandwidth!r}")
    return float(bandwidth)


def _grown(
    device: Device,
    array: ProcessingElements,
    options: Settings,
    bits: Precision,
    growth: str,
    count: int,
) -> Machine:
    """The machine with `count` elements; softmax units and all else stay as they are."""
    share = array.broadcasting / array.count
    broadcasting = array.broadcasting if growth == "parallel" else max(1, round(count * share))
    if count <= broadcasting:
        raise ValueError(
            f"elements: expected more than the {broadcasting} that broadcast, found {count}"
        )
    softmax = options.softmax_per_cycle or float(array.broadcasting)
    grown = replace(
        options,
        softmax_per_cycle=softmax,
        parallel=count - broadcasting,
        broadcasting=broadcasting,
    )
    return machine_of(device, grown, bits.operand_bits)
