"""The time of a pass by kind of operation, and by the resource that each operation waits for."""

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
    """Seconds of operations by the resource that they wait for, adding up to their whole time.

    Work that is hidden by something longer does not count. Transfer time is divided in proportion
    to bytes.

    Attributes
    ----------
    weights, activations, kv_cache : float
        Seconds of off-chip traffic, reads and writes.
    compute : float
        Seconds of multipliers, softmax units or decoders, whichever takes longest.
    overhead : float
        Seconds that the device adds to a pass, whatever it runs.
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
        """Seconds of all waits together."""
        return float(sum(vars(self).values()))


def group_of(operation: str) -> str:
    """The one of `GROUPS` that an operation belongs to."""
    if operation in _OF_OPERATION:
        return _OF_OPERATION[operation]
    family = operation.partition(".")[0]
    return {"attention": ATTENTION, "mlp": MLP}.get(family, REST)


def waits_of(row: LayerTime) -> Waits:
    """The waits of one operation.

    The longer of transfer and compute counts in full, the shorter only where it does not overlap.
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
    """The waits of every kind of operation that takes time, in the order of `GROUPS`.

    Parameters
    ----------
    phase : Phase

    Returns
    -------
    dict of str to Waits
    """
    found: dict[str, Waits] = {}
    for row in phase.layers:
        group = group_of(row.operation)
        found[group] = found.get(group, Waits()) + waits_of(row)
    found[OVERHEAD] = Waits(overhead=phase.overhead_s)
    return {group: found[group] for group in GROUPS if group in found and found[group].seconds}


def waits(phase: Phase) -> Waits:
    """The waits of the whole pass."""
    return sum((waits_of(row) for row in phase.layers), Waits(overhead=phase.overhead_s))


def bytes_by_group(phase: Phase) -> dict[str, float]:
    """Off-chip bytes of every kind of operation."""
    found: dict[str, float] = {}
    for row in phase.layers:
        group = group_of(row.operation)
        found[group] = found.get(group, 0.0) + row.bytes
    return found


def chosen_dataflows(phase: Phase) -> dict[str, int]:
    """Number of blocks that run their attention under each dataflow."""
    found: dict[str, int] = {}
    for row in phase.layers:
        if row.operation in ("attention.tphs", "attention.scores"):
            found[row.dataflow] = found.get(row.dataflow, 0) + 1
    return found


def binding(phase: Phase) -> tuple[str, float]:
    """The `LayerTime.bound` that bounds most of a pass, and the share of time that it bounds."""
    found = phase.seconds_by("bound")
    if phase.overhead_s:
        found["overhead"] = phase.overhead_s
    name = max(found, key=lambda bound: found[bound])
    return name, found[name] / phase.seconds if phase.seconds else 1.0
