"""How the time of a simulation changes with bandwidth, for each dataflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.results import data_frame
from meadow_py.simulator.machine import Machine, has_array, machine_of
from meadow_py.simulator.named_packings import packing_of
from meadow_py.simulator.settings import Settings
from meadow_py.simulator.sweeps import Block

if TYPE_CHECKING:
    import pandas

    from meadow_py.simulator.packing import Packing
    from meadow_py.simulator.result import Simulation

Floats = npt.NDArray[np.float64]
PHASES = ("prefill", "decode")
_SPAN, _STEPS = 16.0, 97  # default range: 1/16 to 16 times the simulation's bandwidth


@dataclass(frozen=True, eq=False)
class BandwidthCurve:
    """Time against bandwidth under each dataflow; made by `bandwidth_curve`.

    Attributes
    ----------
    phase : str
        ``prefill`` or ``decode``.
    bandwidth : float64 array
        Bytes per second, in rising order.
    seconds : dict of str to float64 array
        Seconds of the pass by dataflow: ``gemm`` and ``tphs``, or ``roofline``.
    """

    phase: str
    bandwidth: Floats
    seconds: dict[str, Floats]

    @property
    def crossings(self) -> tuple[float, ...]:
        """Bandwidths in bytes per second at which the better dataflow changes.

        Returns
        -------
        tuple of float
        """
        if len(self.seconds) < 2:
            return ()
        ahead = np.log(self.seconds["gemm"] / self.seconds["tphs"])
        speed, found = np.log(self.bandwidth), []
        for n in np.flatnonzero(np.sign(ahead[1:]) * np.sign(ahead[:-1]) < 0):
            share = ahead[n] / (ahead[n] - ahead[n + 1])
            found.append(float(np.exp(speed[n] + share * (speed[n + 1] - speed[n]))))
        return tuple(found)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per bandwidth and a column of seconds per dataflow. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        columns = {f"{name}_s": times for name, times in self.seconds.items()}
        return data_frame(self, {"bandwidth": self.bandwidth, **columns})


def bandwidth_curve(
    simulation: Simulation, phase: str = "decode", bandwidths: npt.ArrayLike | None = None
) -> BandwidthCurve:
    """Repeat a simulation at other bandwidths, under each dataflow that the device has.

    Parameters
    ----------
    simulation : Simulation
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
    made = _Again(simulation, phase)
    speeds = _bandwidths(simulation, bandwidths)
    machine = made.machine(simulation.settings).with_(bandwidth=speeds)
    flows = ("gemm", "tphs") if has_array(simulation.device) else ("roofline",)
    return BandwidthCurve(phase, speeds, {flow: made.seconds(machine, flow) for flow in flows})


class _Again:
    """The parts of a simulation that stay the same while its machine changes."""

    def __init__(self, simulation: Simulation, phase: str) -> None:
        if phase not in PHASES:
            raise ValueError(f"phase: expected one of {', '.join(PHASES)}, found {phase!r}")
        if phase == "decode" and simulation.decode is None:
            raise ValueError(f"phase: {simulation.model.name} is an encoder; expected 'prefill'")
        self.simulation, self.phase = simulation, phase
        self.packing = packing_again(simulation)
        tokens = simulation.prompt if phase == "prefill" else simulation.context
        masked = simulation.settings.mask_skipped or not has_array(simulation.device)
        self.block = Block(
            simulation.model,
            np.array([tokens]),
            simulation.batch,
            simulation.precision,
            masked,
            simulation.head,
        )

    def machine(self, settings: Settings) -> Machine:
        """The machine with other settings."""
        simulation = self.simulation
        return machine_of(simulation.device, settings, simulation.precision.operand_bits)

    def seconds(self, machine: Machine, flow: str) -> Floats:
        """Seconds of the pass at every bandwidth of the machine."""
        layers = self.block.prefill if self.phase == "prefill" else self.block.decode
        found = self.block.seconds(layers, machine, self.packing, flow)
        spread: Floats = np.zeros(np.shape(machine.bandwidth)) + found
        return spread


def packing_again(simulation: Simulation) -> Packing:
    """The packing that a simulation was made with.

    Raises
    ------
    ValueError
        For a packing with measured bytes, if the simulation was loaded: files do not hold them.
    """
    if simulation.packing_used is not None:
        return simulation.packing_used
    try:
        return packing_of(simulation.packing, bits=simulation.precision.weight_bits)
    except ValueError:
        raise ValueError(
            f"packing {simulation.packing!r}: this simulation was loaded from a file, which does "
            "not hold the measured bytes of a profile; simulate again"
        ) from None


def _bandwidths(simulation: Simulation, given: npt.ArrayLike | None) -> Floats:
    if given is None:
        here = simulation.bandwidth
        return np.geomspace(here / _SPAN, here * _SPAN, _STEPS)
    found: Floats = np.unique(np.asarray(given, float))
    if not found.size or not np.isfinite(found).all() or found[0] <= 0:
        raise ValueError("bandwidths: expected positive numbers of bytes per second")
    return found
