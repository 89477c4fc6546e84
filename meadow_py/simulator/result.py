"""What a simulation predicts: time and energy of prefill and of a decoded token, by operation."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from meadow_py.devices import Device
    from meadow_py.simulator import packing as seam
    from meadow_py.simulator.settings import Settings


@dataclass(frozen=True)
class Band:
    """A figure with the range that its sources span: low <= typical <= high."""

    low: float
    typical: float
    high: float

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
    fetch_s: float
    compute_s: float
    store_s: float
    seconds: float
    bound: str
    weight_bytes: float
    activation_bytes: float
    kv_bytes: float
    macs: float

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
    seconds: float
    energy: Energy
    tokens: int
    context: int
    overhead_s: float = 0.0

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


@dataclass(frozen=True)
class Simulation:
    """Predicted time and energy of a model on a device; made by `simulate`.

    Attributes
    ----------
    model : ModelShape
    device : Device
        With the bandwidth that was asked for.
    dataflow : str
        As asked for: ``gemm``, ``tphs``, ``best`` or ``roofline``.
    packing : str
    precision : Precision
    prompt, generate, batch, context : int
        Tokens of the prompt, tokens to generate, sequences side by side, and tokens in the KV
        cache when the token of `decode` is made.
    head : bool
        Whether the head is counted.
    bandwidth : float
        Off-chip bytes per second that the prediction works with.
    peak_macs_per_s : float
        The compute roof it works with, efficiency applied.
    prefill : Phase
    decode : Phase or None
        One token of every sequence; None for encoders.
    decode_floor_s_per_token : float or None
        Dense decoder weights once at the bandwidth: no head, no KV cache, no packing.
    settings : Settings
        Of the dataflows.
    assumptions : tuple of Assumption
    packing_used : Packing or None
        What `packing` names; None in what was loaded from a file.
    """

    model: ModelShape
    device: Device
    dataflow: str
    packing: str
    precision: Precision
    prompt: int
    generate: int
    batch: int
    context: int
    head: bool
    overlap: float
    bandwidth: float
    peak_macs_per_s: float
    prefill: Phase
    decode: Phase | None
    decode_floor_s_per_token: float | None
    settings: Settings
    assumptions: tuple[Assumption, ...] = field(default=())
    packing_used: seam.Packing | None = field(default=None, compare=False)

    @property
    def prefill_s(self) -> float:
        """Seconds from the prompt to its first token, the model being in memory."""
        return self.prefill.seconds

    @property
    def decode_s_per_token(self) -> float | None:
        """Seconds of one step, which makes one token of every sequence."""
        return None if self.decode is None else self.decode.seconds

    @property
    def tokens_per_s(self) -> float | None:
        """Decoded tokens of all sequences per second."""
        return None if self.decode is None else self.batch / self.decode.seconds

    @property
    def energy_per_token(self) -> Energy | None:
        """Joules of one decoded token of one sequence."""
        if self.decode is None:
            return None
        share, energy = 1 / self.batch, self.decode.energy
        return Energy(
            energy.off_chip * share,
            energy.on_chip * share,
            energy.compute * share,
            energy.static * share,
        )

    def to_dict(self) -> dict[str, Any]:
        """The simulation as JSON types: the contract of ``meadow simulate --json``."""
        from meadow_py.simulator.serial import simulation_to_dict

        return simulation_to_dict(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per phase, layer and operation. Needs pandas."""
        from meadow_py.simulator.serial import simulation_to_rows

        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Simulation.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame(simulation_to_rows(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the simulation as JSON. The file appears whole or not at all."""
        from meadow_py.simulator.serial import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Simulation:
        """Read what `save` or ``meadow simulate --json`` wrote.

        Raises
        ------
        FormatError
            If it is no simulation, or one of a newer version.
        """
        from meadow_py.simulator.serial import load

        return load(path)

    def plot(self, kind: str = "time", ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one figure of the simulation, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            One of `meadow_py.views.plots.SIMULATION_KINDS`.
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a figure of a fitting size.
        **options
            Of the kind of plot.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from meadow_py.views.plots import draw_simulation

        return draw_simulation(self, kind, ax, **options)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.simulation import simulation_html

        return simulation_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.simulation import simulation_text

        return simulation_text(self)
