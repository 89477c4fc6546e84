"""Find the redundancy in the weights of large language models, and pack it away losslessly."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from meadow_py.errors import FormatError

if TYPE_CHECKING:
    from meadow_py import architectures as architectures
    from meadow_py import blobs as blobs
    from meadow_py import codecs as codecs
    from meadow_py import devices as devices
    from meadow_py import forms as forms
    from meadow_py import ledger as ledger
    from meadow_py import measure as measure
    from meadow_py import quantizers as quantizers
    from meadow_py import simulator as simulator
    from meadow_py import workload as workload
    from meadow_py.checkpoint import Inspection, Packed, inspect, pack, unpack, verify
    from meadow_py.claims import Claims, claims
    from meadow_py.config import show_config
    from meadow_py.devices import Device
    from meadow_py.dispatch import open_checkpoint
    from meadow_py.planner import Plan, plan
    from meadow_py.profiler import Profile, profile
    from meadow_py.run import Bench, Model, bench, load
    from meadow_py.simulator import Simulation, simulate
    from meadow_py.sources import Checkpoint
    from meadow_py.sweep import Sensitivity, sweep

__version__ = "0.1.0"

__all__ = [
    "Bench",
    "Checkpoint",
    "Claims",
    "Device",
    "FormatError",
    "Inspection",
    "Model",
    "Packed",
    "Plan",
    "Profile",
    "Sensitivity",
    "Simulation",
    "__version__",
    "bench",
    "claims",
    "inspect",
    "load",
    "open_checkpoint",
    "pack",
    "plan",
    "profile",
    "show_config",
    "simulate",
    "sweep",
    "unpack",
    "verify",
]

# Loaded on first use, so that `import meadow_py` costs little more than the interpreter.
_HOME_OF = {
    "Bench": "meadow_py.run",
    "Checkpoint": "meadow_py.sources",
    "Claims": "meadow_py.claims",
    "Device": "meadow_py.devices",
    "Inspection": "meadow_py.checkpoint",
    "Model": "meadow_py.run",
    "Packed": "meadow_py.checkpoint",
    "Plan": "meadow_py.planner",
    "Profile": "meadow_py.profiler",
    "Sensitivity": "meadow_py.sweep",
    "Simulation": "meadow_py.simulator",
    "bench": "meadow_py.run",
    "claims": "meadow_py.claims",
    "inspect": "meadow_py.checkpoint",
    "load": "meadow_py.run",
    "open_checkpoint": "meadow_py.dispatch",
    "pack": "meadow_py.checkpoint",
    "plan": "meadow_py.planner",
    "profile": "meadow_py.profiler",
    "show_config": "meadow_py.config",
    "simulate": "meadow_py.simulator",
    "sweep": "meadow_py.sweep",
    "unpack": "meadow_py.checkpoint",
    "verify": "meadow_py.checkpoint",
}
# Rooms that are attributes of the package without an import of their own: `mp.devices.names()`.
_ROOMS = (
    "architectures",
    "blobs",
    "codecs",
    "devices",
    "forms",
    "ledger",
    "measure",
    "quantizers",
    "simulator",
    "workload",
)


def __getattr__(name: str) -> Any:
    if name == "_core":
        return _import_core()
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def _import_core() -> Any:
    """The compiled core; if it is missing, an ImportError says why."""
    try:
        return importlib.import_module("meadow_py._core")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"meadow_py was found in {__path__[0]}, but its compiled core was not: a source folder "
            "holds none. Start Python somewhere else after `pip install .`, or install with "
            "`pip install -e .`"
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)
