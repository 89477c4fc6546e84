"""The figures of a pass: ranges, energy by where it goes, time by operation."""

from __future__ import annotations

from dataclasses import dataclass

from meadow_py.records import Count, NonNegative, Positive


@dataclass(frozen=True)
class Band:
    """A figure with the range that its sources span: low <= typical <= high."""

    low: float
    typical: float
    high: float

    def check_record(self) -> None:
        """Raise ValueError if the ends of the range are not in order."""
        if not self.low <= self.typical <= self.high:
            raise ValueError(
                f"expected low <= typical <= high, found {self.low:g}, {self.typical:g}, "
                f"{self.high:g}"
            )

    def __add__(self, other: Band) -> Band:
        return Band(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def __mul__(self, factor: float) -> Band:
        return Band(self.low * factor, self.typical * factor, self.high * factor)


@dataclass(frozen=True)
class Energy:
    """Energy of a phase in joules, by where it goes.

    Attributes
    ----------
    off_chip, on_chip, compute, static : Band
        Off-chip memory; buffers; multiply-accumulates, softmax and decoders; what the device
        draws whatever it does.
    """

    off_chip: Band
    on_chip: Band
    compute: Band
    static: Band

    @property
    def total(self) -> Band:
        """The sum of the components."""
        return self.off_chip + self.on_chip + self.compute + self.static


@dataclass(frozen=True)
class LayerTime:
    """One operation of one layer, or several that run as one pipeline.

    Attributes
    ----------
    name : str
        The layer: ``layers.0``, ..., ``head``.
    operation : str
        As in `workload.Operation`; of a pipeline ``attention.tphs``.
    dataflow : str
        ``gemm``, ``tphs`` or ``roofline``.
    fetch_s, compute_s, store_s : float
        Time of reading from off-chip memory, of computing, and of writing back.
    seconds : float
        All of it, after the overlap of transfer and compute.
    bound : str
        ``memory``, ``compute``, ``decoder`` or ``softmax``: what takes longest.
    weight_bytes, activation_bytes, kv_bytes : float
        Off-chip bytes, read and written; packed weights with their tables.
    macs : float
        Multiply-accumulates.
    """

    name: str
    operation: str
    dataflow: str
    fetch_s: NonNegative
    compute_s: NonNegative
    store_s: NonNegative
    seconds: NonNegative
    bound: str
    weight_bytes: NonNegative
    activation_bytes: NonNegative
    kv_bytes: NonNegative
    macs: NonNegative

    @property
    def bytes(self) -> float:
        """All off-chip bytes."""
        return self.weight_bytes + self.activation_bytes + self.kv_bytes


@dataclass(frozen=True)
class Phase:
    """Prefill of a prompt, or one decoded token of every sequence.

    Attributes
    ----------
    layers : tuple of LayerTime
    seconds : float
    energy : Energy
    tokens, context : int
        New tokens of each sequence, and tokens in its KV cache before.
    overhead_s : float
        What the device adds once per pass; contained in `seconds`.
    """

    layers: tuple[LayerTime, ...]
    seconds: Positive
    energy: Energy
    tokens: Count
    context: Count
    overhead_s: NonNegative = 0.0

    def total(self, field: str) -> float:
        """Sum of one field of `LayerTime`, such as ``weight_bytes``, over all rows."""
        return float(sum(getattr(layer, field) for layer in self.layers))

    def seconds_by(self, field: str = "operation") -> dict[str, float]:
        """Seconds added up by ``operation``, ``name``, ``bound`` or ``dataflow``."""
        sums: dict[str, float] = {}
        for layer in self.layers:
            key = getattr(layer, field)
            sums[key] = sums.get(key, 0.0) + layer.seconds
        return sums


@dataclass(frozen=True)
class Assumption:
    """A value that no source gives: named, so that it can be changed and swept.

    Attributes
    ----------
    name : str
        The argument of `simulate` or the key of the device that sets it.
    value : float or str
    unit : str
    reason : str
    """

    name: str
    value: float | str
    unit: str
    reason: str
