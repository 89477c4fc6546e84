"""How a simulation changes with bandwidth, dataflow by dataflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from meadow_py.simulator.machine import Machine, has_array, machine_of
from meadow_py.simulator.packings import packing_of
from meadow_py.simulator.settings import Settings
from meadow_py.simulator.sweeping import Block

if TYPE_CHECKING:
    import pandas

    from meadow_py.simulator.packing import Packing
    from meadow_py.simulator.result import Simulation

Floats = npt.NDArray[np.float64]
PHASES = ("prefill", "decode")
_SPAN, _STEPS = 16.0, 97  # by default up to 16 times less and more bandwidth than it has


@dataclass(frozen=True, eq=False)
class BandwidthCurve:
    """Time against bandwidth under each dataflow; made by `bandwidth_curve`.

    Attributes
    ----------
    phase : str
        ``prefill`` or ``decode``.
    bandwidth : float64 array
        Bytes per second, rising.
    seconds : dict of str to float64 array
        Of the pass, by dataflow: ``gemm`` and ``tphs``, or ``roofline``.
    """

    phase: str
    bandwidth: Floats
    seconds: dict[str, Floats]

    @property
    def crossings(self) -> tuple[float, ...]:
        """Bandwidths in bytes per second at which the better dataflow changes."""
        if len(self.seconds) < 2:
            return ()
        ahead = np.log(self.seconds["gemm"] / self.seconds["tphs"])
        speed, found = np.log(self.bandwidth), []
        for n in np.flatnonzero(np.sign(ahead[1:]) * np.sign(ahead[:-1]) < 0):
            share = ahead[n] / (ahead[n] - ahead[n + 1])
            found.append(float(np.exp(speed[n] + share * (speed[n + 1] - speed[n]))))
        return tuple(found)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per bandwidth, a column of seconds per dataflow. Needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "BandwidthCurve.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        columns = {f"{name}_s": times for name, times in self.seconds.items()}
        return pandas.DataFrame({"bandwidth": self.bandwidth, **columns})


def bandwidth_curve(
    simulation: Simulation, phase: str = "decode", bandwidths: npt.ArrayLike | None = None
) -> BandwidthCurve:
    """The simulation again at other bandwidths, under each dataflow that the device has.

    Parameters
    ----------
    simulation : Simulation
    phase : {"decode", "prefill"}
    bandwidths : array of float, optional
        Bytes per second; by default from a sixteenth of the simulation's to 16 times as much.

    Raises
    ------
    ValueError
        For another phase, decoding with an encoder, no positive bandwidths, or a packing that a
        loaded simulation does not hold.
    """
    made = _Again(simulation, phase)
    speeds = _bandwidths(simulation, bandwidths)
    machine = made.machine(simulation.settings).with_(bandwidth=speeds)
    flows = ("gemm", "tphs") if has_array(simulation.device) else ("roofline",)
    return BandwidthCurve(phase, speeds, {flow: made.seconds(machine, flow) for flow in flows})


class _Again:
    """What of a simulation stays the same while its machine changes."""

    def __init__(self, simulation: Simulation, phase: str) -> None:
        if phase not in PHASES:
            raise ValueError(f"phase: expected one of {', '.join(PHASES)}, found {phase!r}")
        if phase == "decode" and simulation.decode is None:
            raise ValueError(f"phase: {simulation.model.name} is an encoder and decodes nothing")
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
        """The device with other settings."""
        simulation = self.simulation
        return machine_of(simulation.device, settings, simulation.precision.operand_bits)

    def seconds(self, machine: Machine, flow: str) -> Floats:
        """Of the pass, at every bandwidth of the machine."""
        layers = self.block.prefill if self.phase == "prefill" else self.block.decode
        found = self.block.seconds(layers, machine, self.packing, flow)
        spread: Floats = np.zeros(np.shape(machine.bandwidth)) + found
        return spread


def packing_again(simulation: Simulation) -> Packing:
    """The packing that a simulation was made with.

    Raises
    ------
    ValueError
        For one of measured bytes, which a saved simulation does not hold.
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
