"""What a simulation predicts: time and energy of prefill and of a decoded token, by operation."""

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
    from meadow_py.simulator.choosing import DataflowMap, Growth
    from meadow_py.simulator.curves import BandwidthCurve

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

    KIND: ClassVar[str] = "simulation"
    MARKS: ClassVar[tuple[str, ...]] = ("prefill",)
    AGAIN: ClassVar[str] = "simulate again"

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow simulate --json``.

        Returns
        -------
        dict
            See docs/json.md; SI base units.
        """
        per_token = self.energy_per_token
        return {
            "version": self.VERSION,
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
        """The simulation from what `to_dict` gave; see `Result.from_dict`."""
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """One row per phase, layer and operation."""
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
            Bytes per second; by default from a sixteenth of the simulation's to 16 times as much.

        Returns
        -------
        BandwidthCurve

        Raises
        ------
        ValueError
            For another phase, decoding with an encoder, no positive bandwidths, or a packing that a
            loaded simulation does not hold.
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
            As `meadow_py.simulator.buffer_curve`, and for a packing that a loaded simulation does
            not hold.
        """
        from meadow_py.simulator.buffers import curve_of

        return curve_of(self, sizes)

    def dataflow_map(
        self,
        bandwidths: Sequence[float] | None = None,
        elements: Sequence[int] | None = None,
        growth: Growth = "parallel",
    ) -> DataflowMap:
        """Where the better dataflow of the prompt's attention flips.

        Parameters
        ----------
        bandwidths : sequence of float, optional
            Bytes per second; by default from a sixteenth of the simulation's to 16 times as much.
        elements : sequence of int, optional
            Processing elements; by default from the fewest that the device's array allows to all.
        growth : {"parallel", "proportional"}
            Which elements are added; see `meadow_py.simulator.dataflow_map`.

        Returns
        -------
        DataflowMap

        Raises
        ------
        ValueError
            As `meadow_py.simulator.dataflow_map`.
        """
        from meadow_py.simulator.choosing import map_of

        return map_of(self, bandwidths, elements, growth)

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
