"""Sizes of on-chip buffers: the smallest and largest that matter, tables, and registers of TPHS."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from meadow_py.devices import Device
from meadow_py.simulator.assembly import packed_weights
from meadow_py.simulator.packing import Packing
from meadow_py.simulator.settings import Settings
from meadow_py.workload import ModelShape, Pass, Precision

_STEPS = 97  # default number of sizes in a curve
_ACCUMULATOR_BYTES = 4  # products of INT8 are summed in INT32
_DOUBLE = 2  # one row is written while the next stage reads the other


class BufferSizes:
    """Sizes that the buffers need for one model.

    Parameters
    ----------
    shape : ModelShape
    precision : Precision
    options : Settings
    tokens, batch : int
        Most tokens of a sequence that are seen at once, and number of sequences.
    """

    def __init__(
        self, shape: ModelShape, precision: Precision, options: Settings, tokens: int, batch: int
    ) -> None:
        self.shape, self.precision, self.options = shape, precision, options
        self.tokens, self.batch = tokens, batch

    def least(self) -> float:
        """Bytes of tiles that hold one row of the widest weight and one token's input to it."""
        widest = max(self.shape.hidden, self.shape.intermediate, self.shape.query_width)
        weight = widest * self.precision.weight_bits / 8 / self.options.weight_share
        inputs = widest * self.precision.activation_bits / 8 / self.options.input_share
        return max(weight, inputs)

    def most(self) -> float:
        """Bytes of tiles that hold the largest weight and the inputs of all tokens to it."""
        s = self.shape
        widest = max(s.hidden, s.intermediate, s.query_width)
        weight = max(s.hidden * widest, s.head_weights) * self.precision.weight_bits / 8
        inputs = self.tokens * self.batch * widest * self.precision.activation_bits / 8
        cache = self.tokens * s.kv_width * self.precision.kv_bits / 8
        return max((weight + cache) / self.options.weight_share, inputs / self.options.input_share)

    def sizes(self, sizes: npt.ArrayLike | None) -> npt.NDArray[np.float64]:
        """The requested sizes, checked and sorted, or the default ones."""
        least = float(np.ceil(self.least()))
        if sizes is None:
            spread = np.geomspace(least, max(self.most(), 2 * least), _STEPS)
            made: npt.NDArray[np.float64] = np.unique(np.ceil(spread))
            return made
        found = np.unique(np.asarray(sizes, float))
        if found.ndim != 1 or not found.size or not np.isfinite(found).all() or found[0] < least:
            raise ValueError(
                f"sizes: expected at least {least:.0f} bytes each, to hold one row of the widest "
                f"weight and one token's input to it, found {found.tolist()}"
            )
        checked: npt.NDArray[np.float64] = found
        return checked

    def dictionary(self, packing: Packing, clock: float) -> float:
        """Bytes of the largest table that is held on the chip while a weight is decoded."""
        one = Pass(self.shape, 1, 0, self.batch)
        blocks = ((f"layers.{n}", one.block(n)) for n in range(self.shape.layers))
        head = ((one.head().name, one.head().operations),) if self.shape.vocab else ()
        return max(
            (
                weight.on_chip_table_bytes
                for name, operations in itertools.chain(blocks, head)
                for weight in packed_weights(
                    name, operations, self.precision, packing, clock
                ).by_role.values()
            ),
            default=0.0,
        )

    def registers(self, device: Device, context: int) -> float:
        """Bytes of registers between the stages of TPHS, for one token per broadcasting element.

        They hold a query of one head, a row of scores (softmax needs its maximum before the first
        exponential), and the sums of SMxV. All but the sums are doubled so that stages need not
        wait.
        """
        array = device.compute.pe_array
        lanes = self.options.broadcasting or (0 if array is None else array.broadcasting)
        activation = self.precision.activation_bits / 8
        query = self.shape.head_dim * activation
        scores = context * activation * self.options.score_factor
        sums = self.shape.head_dim * _ACCUMULATOR_BYTES
        return lanes * (_DOUBLE * (query + scores) + sums)
