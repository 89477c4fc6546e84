"""The result of `simulate`: time and energy of prefill and of a decoded token, by operation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from meadow_py.devices import Device
from meadow_py.records import (
    NOT_STORED,
    Count,
    NonNegative,
    Positive,
    Range,
    from_json_types,
    to_json_types,
)
from meadow_py.results import Result
from meadow_py.simulator import packing as seam
from meadow_py.simulator.phase import Assumption, Energy, Phase
from meadow_py.simulator.settings import Settings
from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from meadow_py.simulator.buffers import BufferCurve
    from meadow_py.simulator.curves import BandwidthCurve
    from meadow_py.simulator.dataflow_maps import DataflowMap, Growth

_INPUTS = (
    "model",
    "device",
    "dataflow",
    "packing",
    "precision",
    "prompt",
    "generate",
    "batch",
    "context",
    "head",
    "overlap",
    "bandwidth",
    "peak_macs_per_s",
)


@dataclass(frozen=True)
class Simulation(Result):
    """Predicted time and energy of a model on a device; made by `simulate`.

    Attributes
    ----------
    model : ModelShape
    device : Device
        The device, with the bandwidth that was requested.
    dataflow : str
        ``gemm``, ``tphs``, ``best`` or ``roofline``.
    packing : str
        Name of the packing.
    precision : Precision
    prompt, generate, batch, context : int
        Tokens in the prompt, tokens to generate, sequences processed together, and tokens in the
        KV cache when the token of `decode` is decoded.
    head : bool
        Whether the head is counted.
    bandwidth : float
        Off-chip bytes per second used for the prediction.
    peak_macs_per_s : float
        Peak multiply-accumulates per second used for the prediction, with efficiency applied.
    prefill : Phase
    decode : Phase or None
        One decoded token of every sequence; None for encoders.
    decode_floor_s_per_token : float or None
        Seconds to read the dense weights of all blocks once: no head, no KV cache, no packing.
        None for encoders.
    settings : Settings
        Parameters of the dataflows.
    assumptions : tuple of Assumption
        Values that no source gives.
    packing_used : Packing or None
        The packing that `packing` names; None if the simulation was loaded from a file.
    """

    model: ModelShape
    device: Device
    dataflow: str
    packing: str
    precision: Precision
    prompt: Count
    generate: Count
    batch: Annotated[int, Range(least=1)]
    context: Count
    head: bool
    overlap: Annotated[float, Range(least=0, most=1)]
    bandwidth: Positive
    peak_macs_per_s: Positive
    prefill: Phase
    decode: Phase | None
    decode_floor_s_per_token: NonNegative | None
    settings: Settings
    assumptions: tuple[Assumption, ...] = field(default=())
    packing_used: seam.Packing | None = field(default=None, compare=False, metadata=NOT_STORED)

    @property
    def prefill_s(self) -> float:
        """Seconds to process the prompt, with the model already in memory."""
        return self.prefill.seconds

    @property
    def decode_s_per_token(self) -> float | None:
        """Seconds of one step, which decodes one token of every sequence; None for encoders."""
        return None if self.decode is None else self.decode.seconds

    @property
    def tokens_per_s(self) -> float | None:
        """Decoded tokens per second of all sequences together; None for encoders."""
        return None if self.decode is None else self.batch / self.decode.seconds

    @property
    def energy_per_token(self) -> Energy | None:
        """Joules of one decoded token of one sequence; None for encoders."""
        if self.decode is None:
            return None
        share, energy = 1 / self.batch, self.decode.energy
        return Energy(
            energy.off_chip * share,
            energy.on_chip * share,
            energy.compute * share,
            energy.static * share,
        )

    KIND: ClassVar[str] = "simulation"
    MARKS: ClassVar[tuple[str, ...]] = ("prefill",)
    AGAIN: ClassVar[str] = "simulate again"

    def to_dict(self) -> dict[str, Any]:
        """Convert the simulation to JSON types: the contract of ``meadow simulate --json``.

        Returns
        -------
        dict
            In SI base units; see docs/json.md.
        """
        per_token = self.energy_per_token
        return {
            "version": self.VERSION,
            "kind": self.KIND,
            **{name: to_json_types(getattr(self, name)) for name in _INPUTS},
            "prefill_s": self.prefill_s,
            "decode_s_per_token": self.decode_s_per_token,
            "decode_floor_s_per_token": self.decode_floor_s_per_token,
            "tokens_per_s": self.tokens_per_s,
            "energy": {
                "prefill": _energy(self.prefill.energy),
                "per_token": None if per_token is None else _energy(per_token),
            },
            "prefill": _phase(self.prefill),
            "decode": None if self.decode is None else _phase(self.decode),
            "settings": to_json_types(self.settings),
            "assumptions": to_json_types(self.assumptions),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Simulation:
        """Restore a simulation from the output of `to_dict`; see `Result.from_dict`.

        Returns
        -------
        Simulation
        """
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """One row per phase, layer and operation.

        Returns
        -------
        list of dict
        """
        return [
            {"phase": name, **asdict(row)}
            for name in ("prefill", "decode")
            if (phase := getattr(self, name)) is not None
            for row in phase.layers
        ]

    def bandwidth_curve(
        self, phase: str = "decode", bandwidths: npt.ArrayLike | None = None
    ) -> BandwidthCurve:
        """The same pass at other bandwidths, under each dataflow that the device has.

        Parameters
        ----------
        phase : {"decode", "prefill"}
        bandwidths : array of float, optional
            Bytes per second. By default, from 1/16 to 16 times the simulation's bandwidth.

        Returns
        -------
        BandwidthCurve

        Raises
        ------
        ValueError
            For an unknown phase, decoding with an encoder, bandwidths that are not positive, or a
            simulation that was loaded without the measured bytes of its packing.
        """
        from meadow_py.simulator.curves import bandwidth_curve

        return bandwidth_curve(self, phase, bandwidths)

    def buffer_curve(self, sizes: npt.ArrayLike | None = None) -> BufferCurve:
        """Latency against on-chip memory.

        Parameters
        ----------
        sizes : array of int, optional
            Bytes of the buffers; see `meadow_py.simulator.buffer_curve`.

        Returns
        -------
        BufferCurve

        Raises
        ------
        ValueError
            As `meadow_py.simulator.buffer_curve`, and for a simulation that was loaded without the
            measured bytes of its packing.
        """
        from meadow_py.simulator.buffers import curve_of

        return curve_of(self, sizes)

    def dataflow_map(
        self,
        bandwidths: Sequence[float] | None = None,
        elements: Sequence[int] | None = None,
        growth: Growth = "parallel",
    ) -> DataflowMap:
        """Find where the better dataflow for the prompt's attention changes.

        Parameters
        ----------
        bandwidths : sequence of float, optional
            Bytes per second. By default, from 1/16 to 16 times the simulation's bandwidth.
        elements : sequence of int, optional
            Numbers of processing elements. By default, from the fewest that the device's array
            allows up to all of them.
        growth : {"parallel", "proportional"}
            Which elements are added as the array grows; see `meadow_py.simulator.dataflow_map`.

        Returns
        -------
        DataflowMap

        Raises
        ------
        ValueError
            As `meadow_py.simulator.dataflow_map`.
        """
        from meadow_py.simulator.dataflow_maps import map_of

        return map_of(self, bandwidths, elements, growth)

    def plot(self, kind: str = "time", ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one figure of the simulation, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            One of `meadow_py.views.plots.SIMULATION_KINDS`.
        ax : matplotlib.axes.Axes, optional
            Where to draw; None creates a figure of a suitable size.
        **options
            Options of this kind of plot.

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


def _energy(energy: Energy) -> dict[str, Any]:
    made: dict[str, Any] = to_json_types(energy)
    return {**made, "total": to_json_types(energy.total)}


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "seconds": phase.seconds,
        "tokens": phase.tokens,
        "context": phase.context,
        "overhead_s": phase.overhead_s,
        "energy": _energy(phase.energy),
        "layers": to_json_types(phase.layers),
    }
