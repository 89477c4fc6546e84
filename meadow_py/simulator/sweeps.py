"""`sweep`: many models, devices, dataflows, packings and token counts in one call."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from meadow_py import devices as device_room
from meadow_py import workload
from meadow_py.results import data_frame
from meadow_py.simulator.assembly import packed_weights
from meadow_py.simulator.cost import DataflowInputs, PackedWeights
from meadow_py.simulator.dataflows import faster, layer_costs, seconds
from meadow_py.simulator.machine import Machine, Value, has_array, machine_of
from meadow_py.simulator.named_packings import packing_of
from meadow_py.simulator.packing import Packing, PackingChoice
from meadow_py.simulator.settings import Settings
from meadow_py.workload import Layer, ModelShape, Operation, Pass, Precision

if TYPE_CHECKING:
    import pandas

    from meadow_py.devices import Device


_SPREAD = 13  # default token counts: 2**0 to 2**12


@dataclass(frozen=True, eq=False)
class SweepTable:
    """Times of every combination; made by `sweep`.

    Attributes
    ----------
    tokens : int64 array, shape (tokens,)
        Tokens in the prompt, and tokens in the KV cache when a token is decoded.
    combinations : tuple of (str, str, str, str)
        Model, device, dataflow, packing.
    prefill_s, decode_s_per_token : float64 array, shape (combinations, tokens)
        Seconds; NaN if a model does not decode.
    """

    tokens: npt.NDArray[np.int64]
    combinations: tuple[tuple[str, str, str, str], ...]
    prefill_s: npt.NDArray[np.float64]
    decode_s_per_token: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Number of rows of `to_dataframe`."""
        return int(self.prefill_s.size)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per combination and token count. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        columns: dict[str, Any] = {
            name: np.repeat([row[place] for row in self.combinations], self.tokens.size)
            for place, name in enumerate(("model", "device", "dataflow", "packing"))
        }
        columns["tokens"] = np.tile(self.tokens, len(self.combinations))
        columns["prefill_s"] = self.prefill_s.ravel()
        columns["decode_s_per_token"] = self.decode_s_per_token.ravel()
        return data_frame(self, columns)


def sweep(
    models: Sequence[Any],
    *,
    devices: Sequence[str | Device],
    dataflows: Sequence[str] = ("gemm", "tphs"),
    packings: Sequence[PackingChoice] = ("none",),
    tokens: Sequence[int] | npt.NDArray[np.int64] | None = None,
    bandwidth: str | float | None = None,
    precision: str | Precision = "w8a8",
    batch: int = 1,
    head: bool = True,
    **settings: Any,
) -> SweepTable:
    """Predict times for every combination of models, devices, dataflows, packings and tokens.

    Parameters
    ----------
    models, devices, dataflows, packings
        Each entry as for `simulate`. A device without an array of processing elements has one
        dataflow, ``roofline``, and appears once for each model and packing.
    tokens : sequence of int, optional
        Token counts. By default, the powers of two from 1 to 4096.
    bandwidth, precision, batch, head, **settings
        As for `simulate`.

    Returns
    -------
    SweepTable

    Raises
    ------
    ValueError, FormatError, OSError
        As `simulate`.
    """
    counts = _counts(tokens)
    bits = Precision.parse(precision)
    options = Settings.of(settings)
    shapes = [workload.shape_of(model) for model in models]
    packed = [packing_of(one, bits=bits.weight_bits) for one in packings]
    rows: list[tuple[str, str, str, str]] = []
    prefill: list[Value] = []
    decode: list[Value] = []
    for shape, named in itertools.product(shapes, devices):
        device = device_room.get(named)
        device = device if bandwidth is None else device.with_bandwidth(bandwidth)
        flows = tuple(dataflows) if has_array(device) else ("roofline",)
        machine = machine_of(device, options, bits.operand_bits)
        masked = options.mask_skipped or not has_array(device)
        block = Block(shape, counts, batch, bits, masked, head)
        for packing, flow in itertools.product(packed, flows):
            rows.append((shape.name, device.name, flow, packing.name))
            prefill.append(block.seconds(block.prefill, machine, packing, flow))
            decode.append(block.seconds(block.decode, machine, packing, flow))
    return SweepTable(counts, tuple(rows), _stacked(prefill, counts), _stacked(decode, counts))


def _counts(tokens: Sequence[int] | npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64]:
    found = 2 ** np.arange(_SPREAD) if tokens is None else np.asarray(tokens, np.int64)
    if found.ndim != 1 or not found.size or int(found.min()) < 1:
        raise ValueError("tokens: expected a list of token counts, each at least 1")
    return found.astype(np.int64)


def _stacked(rows: list[Value], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    made = np.empty((len(rows), counts.size))
    for place, row in enumerate(rows):
        made[place] = row
    return made


class Block:
    """The operations of one model over all token counts, with each kind of layer built once."""

    def __init__(
        self,
        shape: ModelShape,
        tokens: npt.NDArray[np.int64],
        batch: int,
        precision: Precision,
        masked: bool,
        head: bool,
    ) -> None:
        self.shape, self.batch, self.precision = shape, batch, precision
        self.prefill: list[Layer] = self._layers(Pass(shape, tokens, 0, batch, masked), head)
        self.decode: list[Layer] = (
            [] if shape.encoder else self._layers(Pass(shape, 1, tokens, batch, masked), head)
        )

    def _layers(self, one: Pass, head: bool) -> list[Layer]:
        windows = self.shape.windows or (0,) * self.shape.layers
        blocks = {window: one.block(windows.index(window)) for window in set(windows)}
        layers = [Layer(f"layers.{n}", blocks[window]) for n, window in enumerate(windows)]
        return [one.embedding(), *layers, *((one.head(),) if head and self.shape.vocab else ())]

    def seconds(self, layers: list[Layer], machine: Machine, packing: Packing, flow: str) -> Value:
        """Seconds of one pass over these layers; NaN if there are none."""
        if not layers:
            return float("nan")
        total: Value = machine.overhead_s
        for operations, packed, count in self._kinds(layers, packing, float(machine.clock)):
            total = total + count * block_seconds(
                operations, self.setting(machine, packing, packed), flow
            )
        return total

    def setting(self, machine: Machine, packing: Packing, packed: PackedWeights) -> DataflowInputs:
        """The inputs of a dataflow besides the operations."""
        shape, compressed = self.shape, packing.decoder.on_chip_compressed
        heads = (shape.heads, shape.kv_heads, self.batch)
        return DataflowInputs(machine, self.precision, packed, *heads, compressed)

    def _kinds(
        self, layers: list[Layer], packing: Packing, clock: float
    ) -> Iterator[tuple[tuple[Operation, ...], PackedWeights, int]]:
        """Groups of layers that cost the same, with the number of layers in each."""
        found: dict[Any, tuple[tuple[Operation, ...], PackedWeights, int]] = {}
        for layer in layers:
            packed = packed_weights(layer.name, layer.operations, self.precision, packing, clock)
            key = (id(layer.operations), tuple(packed.by_role.items()))
            count = found[key][2] if key in found else 0
            found[key] = (layer.operations, packed, count + 1)
        yield from found.values()


def block_seconds(operations: Sequence[Operation], setting: DataflowInputs, flow: str) -> Value:
    """Seconds of a layer's operations; ``best`` chooses element by element."""
    if flow != "best":
        return seconds(layer_costs(operations, setting, flow))
    apart = seconds(layer_costs(operations, setting, "gemm"))
    return faster(apart, seconds(layer_costs(operations, setting, "tphs")))
