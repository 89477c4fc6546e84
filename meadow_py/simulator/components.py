"""Where the time of a pass goes: kinds of operations, and what each of them waits for."""

from __future__ import annotations

from dataclasses import dataclass, fields

from meadow_py.simulator.phase import LayerTime, Phase

PROJECTIONS, ATTENTION, MLP = "projections", "attention", "MLP"
HEAD, REST, OVERHEAD = "head", "embedding, norms", "device's own"
GROUPS = (PROJECTIONS, ATTENTION, MLP, HEAD, REST, OVERHEAD)
"""Kinds of operations. Attention is QK^T, softmax and SMxV; under TPHS, Q too. The last is what
the device adds to a pass."""
_OF_OPERATION = {
    "attention.q": PROJECTIONS,
    "attention.k": PROJECTIONS,
    "attention.v": PROJECTIONS,
    "attention.o": PROJECTIONS,
    "head": HEAD,
}


@dataclass(frozen=True)
class Waits:
    """Seconds of one or several operations by what they wait for; they add up to all of their time.

    What hides behind something longer is not in them. Transfers are divided by bytes.

    Attributes
    ----------
    weights, activations, kv_cache : float
        Off-chip traffic, reads and writes.
    compute : float
        Multipliers, softmax units or decoders, whichever takes longest.
    overhead : float
        What the device adds to a pass, whatever it runs.
    """

    weights: float = 0.0
    activations: float = 0.0
    kv_cache: float = 0.0
    compute: float = 0.0
    overhead: float = 0.0

    def __add__(self, other: Waits) -> Waits:
        names = (field.name for field in fields(self))
        return Waits(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def seconds(self) -> float:
        """All of them."""
        return float(sum(vars(self).values()))


def group_of(operation: str) -> str:
    """Which of `GROUPS` an operation belongs to."""
    if operation in _OF_OPERATION:
        return _OF_OPERATION[operation]
    family = operation.partition(".")[0]
    return {"attention": ATTENTION, "mlp": MLP}.get(family, REST)


def waits_of(row: LayerTime) -> Waits:
    """What one operation waits for.

    The longer of transfer and compute is waited for in whole, of the shorter what does not overlap.
    """
    transfer = row.fetch_s + row.store_s
    longer = max(transfer, row.compute_s)
    exposed = transfer if transfer >= row.compute_s else row.seconds - longer
    by_byte = max(exposed, 0.0) / row.bytes if row.bytes else 0.0
    return Waits(
        weights=row.weight_bytes * by_byte,
        activations=row.activation_bytes * by_byte,
        kv_cache=row.kv_bytes * by_byte,
        compute=row.seconds - max(exposed, 0.0) if row.bytes else row.seconds,
    )


def waits_by_group(phase: Phase) -> dict[str, Waits]:
    """Of every kind of operations that takes time, in the order of `GROUPS`."""
    found: dict[str, Waits] = {}
    for row in phase.layers:
        group = group_of(row.operation)
        found[group] = found.get(group, Waits()) + waits_of(row)
    found[OVERHEAD] = Waits(overhead=phase.overhead_s)
    return {group: found[group] for group in GROUPS if group in found and found[group].seconds}


def waits(phase: Phase) -> Waits:
    """Of the whole pass."""
    return sum((waits_of(row) for row in phase.layers), Waits(overhead=phase.overhead_s))


def bytes_by_group(phase: Phase) -> dict[str, float]:
    """Off-chip bytes of every kind of operations."""
    found: dict[str, float] = {}
    for row in phase.layers:
        group = group_of(row.operation)
        found[group] = found.get(group, 0.0) + row.bytes
    return found


def chosen_dataflows(phase: Phase) -> dict[str, int]:
    """How many blocks run their attention under each dataflow."""
    found: dict[str, int] = {}
    for row in phase.layers:
        if row.operation in ("attention.tphs", "attention.scores"):
            found[row.dataflow] = found.get(row.dataflow, 0) + 1
    return found


def binding(phase: Phase) -> tuple[str, float]:
    """What bounds most of a pass, as `LayerTime.bound` says it, and the share of time it bounds."""
    found = phase.seconds_by("bound")
    if phase.overhead_s:
        found["overhead"] = phase.overhead_s
    name = max(found, key=lambda bound: found[bound])
    return name, found[name] / phase.seconds if phase.seconds else 1.0
