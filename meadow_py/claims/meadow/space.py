"""The constants that the MEADOW paper does not give, as a grid, and the times for all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from meadow_py import devices, workload
from meadow_py.simulator.cost import DataflowInputs, PackedWeights
from meadow_py.simulator.dataflows import layer_costs, seconds
from meadow_py.simulator.machine import Machine, Value
from meadow_py.simulator.packing import PackedWeight
from meadow_py.workload import ATTENTION_CORE, ModelShape, Operation, Pass, Precision

Floats = npt.NDArray[np.float64]
PRECISION = Precision(8, 8, 8)  # W8A8: section 6 of the paper, as its reading notes say
GIGABIT = 1e9 / 8  # the paper's bandwidths are giga*bits* per second

SPACE: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "macs_per_cycle": (4, 8, 16, 26, 32, 52, 64),
        "overlap": (0, 0.25, 0.5, 0.75, 1),
        "softmax_per_cycle": (12, 24, 48, 96),
        "gemm_broadcasting": (0, 1),
        "fill_cycles": (0, 2048),
        "score_factor": (1, 2),
        "elementwise_to_memory": (0, 1),
        "mask_skipped": (0, 1),
        "on_chip_mib": (1, 4),
        "ratio_attention": (1.2, 1.3, 1.4, 1.5, 1.6, 1.8),
        "ratio_mlp": (1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 2.0),
    }
)
"""The values that are swept.

``macs_per_cycle`` is that of one element. With ``gemm_broadcasting`` 1, broadcasting elements work
in GEMM mode too. ``on_chip_mib`` is that of all buffers, half for weights and a quarter for inputs.
``ratio_attention`` and ``ratio_mlp`` are dense over packed bytes. The others are those of
`Settings`."""

LAYOUTS = ("proportional", "parallel")
"""The elements that are added when the array grows from 14 to 96: both kinds, seven to one, or
only parallel ones beside 12 that broadcast."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Sets of values, with a column for each parameter and a row for each set.

    Attributes
    ----------
    columns : dict of str to float64 array
    """

    columns: dict[str, Floats]

    @classmethod
    def of(cls, space: Mapping[str, Sequence[float]]) -> Grid:
        """The grid of all combinations of the values of `space`.

        Returns
        -------
        Grid

        Raises
        ------
        ValueError
            If a parameter of `SPACE` is missing or has no value, or one is unknown.
        """
        if set(space) != set(SPACE) or not all(len(values) for values in space.values()):
            raise ValueError(
                f"space: expected values for each of {', '.join(SPACE)}, found {', '.join(space)}"
            )
        mesh = np.meshgrid(*(np.asarray(v, float) for v in space.values()), indexing="ij")
        return cls({name: one.ravel() for name, one in zip(space, mesh, strict=True)})

    def __len__(self) -> int:
        """Number of sets."""
        return int(next(iter(self.columns.values())).size)

    def where(self, mask: npt.NDArray[Any]) -> Grid:
        """The sets that `mask` (booleans or indices) selects."""
        return Grid({name: values[mask] for name, values in self.columns.items()})

    def row(self, place: int) -> dict[str, float]:
        """One set by name."""
        return {name: float(values[place]) for name, values in self.columns.items()}


def machine(grid: Grid, bandwidth: float, elements: int = 96, layout: str = LAYOUTS[0]) -> Machine:
    """MEADOW's array with every set of values.

    Parameters
    ----------
    grid : Grid
    bandwidth : float
        Bytes per second.
    elements : int
        Elements of both kinds; 96 means 84 and 12, as in the paper.
    layout : str
        One of `LAYOUTS`.

    Returns
    -------
    Machine
    """
    array = devices.get("zcu102").compute.pe_array
    if array is None:
        raise RuntimeError("the device file of the ZCU102 has no array of processing elements")
    share = array.broadcasting / array.count
    broadcasting = elements * share if layout == "proportional" else float(array.broadcasting)
    parallel = elements - broadcasting
    column, clock = grid.columns, array.clock.value
    each = column["macs_per_cycle"] * clock
    buffers = column["on_chip_mib"] * 2**20
    return Machine(
        bandwidth=bandwidth,
        overlap=column["overlap"],
        macs_per_s=each * (parallel + column["gemm_broadcasting"] * broadcasting),
        clock=clock,
        parallel=each * parallel,
        broadcasting=each * broadcasting,
        softmax_per_s=column["softmax_per_cycle"] * clock,
        elementwise_per_s=elements * clock,
        fill_s=column["fill_cycles"] / clock,
        weight_buffer=buffers / 2,
        input_buffer=buffers / 4,
        score_factor=column["score_factor"],
        elementwise_to_memory=column["elementwise_to_memory"],
    )


def block_times(
    shape: ModelShape, tokens: int, context: int, grid: Grid, made: Machine, packed: bool
) -> tuple[Floats, Floats]:
    """Seconds of one block under GEMM and under TPHS, for every set.

    Parameters
    ----------
    shape : ModelShape
    tokens, context : int
    grid : Grid
    made : Machine
        The machine of that grid.
    packed : bool
        Whether weights are packed.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        GEMM and TPHS, float64, shape (sets,).
    """
    found = np.empty((2, len(grid)))
    for skipped in (0, 1):
        mask = grid.columns["mask_skipped"] == skipped
        if mask.any():
            operations = Pass(shape, tokens, context, 1, bool(skipped)).block()
            part = _part(made, mask, len(grid))
            setting = _setting(shape, operations, grid.where(mask), part, packed)
            for place, flow in enumerate(("gemm", "tphs")):
                found[place, mask] = seconds(layer_costs(operations, setting, flow))
    return found[0], found[1]


def core_times(shape: ModelShape, tokens: int, grid: Grid, made: Machine) -> tuple[Floats, Floats]:
    """Seconds of Q, QK^T, softmax and SMxV of one block under GEMM and under TPHS, packed."""
    found = np.empty((2, len(grid)))
    for skipped in (0, 1):
        mask = grid.columns["mask_skipped"] == skipped
        if mask.any():
            block = Pass(shape, tokens, 0, 1, bool(skipped)).block()
            core = tuple(one for one in block if one.name in ATTENTION_CORE)
            part = _part(made, mask, len(grid))
            setting = _setting(shape, core, grid.where(mask), part, packed=True)
            for place, flow in enumerate(("gemm", "tphs")):
                found[place, mask] = seconds(layer_costs(core, setting, flow))
    return found[0], found[1]


def _part(made: Machine, mask: npt.NDArray[np.bool_], count: int) -> Machine:
    """The same machine for some of the sets."""
    kept: dict[str, Value] = {
        name: value[mask]
        for name, value in vars(made).items()
        if isinstance(value, np.ndarray) and value.shape == (count,)
    }
    return made.with_(**kept)


def _setting(
    shape: ModelShape, operations: Sequence[Operation], grid: Grid, made: Machine, packed: bool
) -> DataflowInputs:
    by_role = {}
    for one in operations:
        if one.weights:
            family = "attention" if one.name.startswith("attention") else "mlp"
            ratio: Any = grid.columns[f"ratio_{family}"] if packed else 1.0
            by_role[one.name] = PackedWeight(one.weights * PRECISION.weight_bits / 8 / ratio)
    return DataflowInputs(made, PRECISION, PackedWeights(by_role), shape.heads, shape.kv_heads)


def settings_of(row: Mapping[str, float]) -> dict[str, Any]:
    """One set as keyword arguments of `simulate`, including the packing."""
    from meadow_py.simulator.named_packings import Ratio

    ratios = {"attention": row["ratio_attention"], "mlp": row["ratio_mlp"]}
    same = ("overlap", "macs_per_cycle", "softmax_per_cycle", "fill_cycles", "score_factor")
    return {
        **{name: row[name] for name in same},
        "gemm_elements": "all" if row["gemm_broadcasting"] else "parallel",
        "elementwise_to_memory": bool(row["elementwise_to_memory"]),
        "mask_skipped": bool(row["mask_skipped"]),
        "on_chip": row["on_chip_mib"] * 2**20,
        "packing": Ratio(1.0, ratios, name="MEADOW"),
    }


def shape(name: str) -> ModelShape:
    """A bundled shape."""
    return workload.shape_of(name)
