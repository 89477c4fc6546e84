"""Which packing on which device: bytes, time, energy and memory in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from meadow_py import devices as device_room
from meadow_py import workload
from meadow_py.simulator import packing as seam
from meadow_py.simulator.assembly import packed_weights
from meadow_py.simulator.packing import Decoder, PackedWeight
from meadow_py.simulator.packings import packing_of
from meadow_py.simulator.profile_packing import CHUNKED, ProfilePacking
from meadow_py.simulator.run import simulate
from meadow_py.workload import Pass, Precision

if TYPE_CHECKING:
    import pandas

    from meadow_py.devices import Device
    from meadow_py.profiler import Profile

CODE_PACKINGS = ("none", *CHUNKED, "huffman", "storage")
"""What `packing_table` compares by default: of integer codes."""
FLOAT_PACKINGS = ("none", "stored.huffman", "stored.storage")
"""The same of floats as they are stored."""


@dataclass(frozen=True)
class PackingRow:
    """One packing on one device, while one token is decoded.

    Attributes
    ----------
    device, packing : str
    bits_per_weight : float
        Of all weights that a decoded token reads, everything counted.
    weight_bytes, table_bytes : float
        Off-chip bytes of weights for a token; the dictionaries and code tables among them.
    on_chip_table_bytes : float
        The largest table of any weight, which lies in on-chip memory beside the buffers.
    table_fits : bool
        Whether it is no more than half of the device's on-chip memory.
    prefill_s : float
    decode_s_per_token : float or None
        None for encoders, as the next three.
    tokens_per_s : float or None
    speedup : float or None
        Time of a token with dense weights by that with this packing, on the same device.
    energy_per_token_j : float or None
        Typical energy.
    decoder_weights_per_s : float
        What all decoders together have to deliver to not be slower than the memory that feeds
        them: the least speed at which decoding is free.
    decoder_bound_share : float
        Part of a token's time spent in operations that the given decoder limits; 0 for one without
        a limit.
    """

    device: str
    packing: str
    bits_per_weight: float
    weight_bytes: float
    table_bytes: float
    on_chip_table_bytes: float
    table_fits: bool
    prefill_s: float
    decode_s_per_token: float | None
    tokens_per_s: float | None
    speedup: float | None
    energy_per_token_j: float | None
    decoder_weights_per_s: float
    decoder_bound_share: float


@dataclass(frozen=True)
class PackingTable:
    """Made by `packing_table`.

    Attributes
    ----------
    model, precision : str
    prompt, context : int
        Tokens, as of `simulate`.
    profiled_share : float
        Part of the weights of a decoded token whose bytes were measured; the others are what
        `unprofiled` says.
    unprofiled : str
    rows : tuple of PackingRow
        Device after device, packings in the order that was asked for.
    """

    model: str
    precision: str
    prompt: int
    context: int
    profiled_share: float
    unprofiled: str
    rows: tuple[PackingRow, ...]

    def __iter__(self) -> Iterator[PackingRow]:
        """The rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)

    def best(self, device: str) -> PackingRow:
        """The row of a device with the shortest time per token whose table fits.

        Raises
        ------
        ValueError
            If the table has no such device.
        """
        found = [row for row in self.rows if row.device == device and row.table_fits]
        if not found:
            known = ", ".join(dict.fromkeys(row.device for row in self.rows))
            raise ValueError(f"device {device!r}: expected one of {known}")
        return min(found, key=lambda row: row.decode_s_per_token or row.prefill_s)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "version": 1,
            "kind": "packing_table",
            **asdict(self),
            "rows": [asdict(row) for row in self.rows],
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per device and packing. Needs pandas."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "PackingTable.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame([asdict(row) for row in self.rows])

    def __repr__(self) -> str:
        from meadow_py.views.terminal.packing_table import packing_table_text

        return packing_table_text(self)


def packing_table(
    model: Any,
    profile: Profile | None = None,
    *,
    devices: Sequence[str | Device],
    packings: Sequence[str | float | seam.Packing] | None = None,
    precision: str | Precision = "w8a8",
    prompt: int | None = None,
    decoders: Mapping[str, Decoder] | None = None,
    granularity: str | None = None,
    chunk_size: int | None = None,
    unprofiled: str = "dense",
    quantizer: str | None = None,
    **options: Any,
) -> PackingTable:
    """Compare packings on devices.

    Parameters
    ----------
    model
        What `simulate` takes: it tells the shape.
    profile : Profile, optional
        Of its weights, whose measured bytes count. Without it, packings are ratios.
    devices : sequence of str or Device
    packings : sequence, optional
        As of `simulate`; by default all codecs: of codes at 8 bits a weight or less, else of stored
        floats. A dense row of each device comes first in any case.
    precision : str or Precision
    prompt : int, optional
    decoders : mapping of str to Decoder, optional
        By name of the packing; one that is not named never limits.
    granularity, chunk_size, quantizer
        Which setting of the profile; by default each codec has the chunk size that suits it best.
    unprofiled : {"dense", "mean"}
        See `ProfilePacking.of`.
    **options
        Of `simulate`: ``bandwidth``, ``generate``, ``batch``, ``context``, ``dataflow``, ...

    Raises
    ------
    ValueError, FormatError, OSError
        As `simulate`; for decoders of packings that are not compared.
    """
    bits = Precision.parse(precision)
    setting = {"granularity": granularity, "chunk_size": chunk_size, "quantizer": quantizer}
    made = [
        _packing(one, profile, bits, decoders or {}, setting, unprofiled)
        for one in _packings(packings, profile, bits)
    ]
    _check_decoders(decoders or {}, made)
    if not devices:
        raise ValueError("devices: expected at least one")
    shape = workload.shape_of(model)
    shared = {"precision": bits, "prompt": prompt, **options}
    rows: list[PackingRow] = []
    for device in map(device_room.get, devices):
        results = [simulate(shape, device=device, packing=one, **shared) for one in made]
        dense = _token_s(results[0])
        rows += [
            _row(result, packing, dense / _token_s(result))
            for result, packing in zip(results, made, strict=True)
        ]
    profiled = next((one for one in made if isinstance(one, ProfilePacking)), None)
    return PackingTable(
        model=shape.name,
        precision=str(bits),
        prompt=results[0].prompt,
        context=results[0].context,
        profiled_share=_profiled_share(shape, profiled, results[0].head),
        unprofiled=unprofiled,
        rows=tuple(rows),
    )


def _check_decoders(decoders: Mapping[str, Decoder], packings: Sequence[seam.Packing]) -> None:
    names = [packing.name for packing in packings]
    unknown = sorted(set(decoders) - set(names))
    if unknown:
        raise ValueError(f"decoders: {', '.join(unknown)}: expected some of {', '.join(names)}")


def _packings(
    packings: Sequence[str | float | seam.Packing] | None, profile: Profile | None, bits: Precision
) -> list[str | float | seam.Packing]:
    if packings is None:
        if profile is None:
            raise ValueError("packings: expected some where there is no profile")
        packings = CODE_PACKINGS if bits.weight_bits <= 8 else FLOAT_PACKINGS
    return ["none", *(one for one in packings if one not in ("none", None))]


def _packing(
    one: str | float | seam.Packing,
    profile: Profile | None,
    bits: Precision,
    units: Mapping[str, Decoder],
    setting: Mapping[str, Any],
    unprofiled: str,
) -> seam.Packing:
    unit = units.get(one) if isinstance(one, str) else None
    made = packing_of(
        one,
        profile,
        bits=bits.weight_bits,
        decoder=unit,
        **setting,
    )
    if isinstance(made, ProfilePacking) and not isinstance(one, ProfilePacking):
        made = replace(made, unprofiled=unprofiled)
    return made


def _token_s(result: Any) -> float:
    return float((result.decode or result.prefill).seconds)


def _row(result: Any, packing: seam.Packing, speedup: float) -> PackingRow:
    phase = result.decode or result.prefill
    decoded = result.decode is not None
    weights, moved, tables, largest = _moved(result, packing)
    limited = sum(row.seconds for row in phase.layers if row.bound == "decoder")
    fetched_s = moved / result.bandwidth
    return PackingRow(
        device=result.device.name,
        packing=packing.name,
        bits_per_weight=8 * moved / weights,
        weight_bytes=phase.total("weight_bytes"),
        table_bytes=tables,
        on_chip_table_bytes=largest,
        table_fits=largest <= result.device.on_chip.total.value / 2,
        prefill_s=result.prefill.seconds,
        decode_s_per_token=phase.seconds if decoded else None,
        tokens_per_s=result.batch / phase.seconds if decoded else None,
        speedup=speedup if decoded else None,
        energy_per_token_j=phase.energy.total.typical / result.batch if decoded else None,
        decoder_weights_per_s=weights / fetched_s,
        decoder_bound_share=limited / phase.seconds,
    )


def _moved(result: Any, packing: seam.Packing) -> tuple[int, float, float, float]:
    """Weights of a token; their off-chip bytes, the tables' among them; the largest table."""
    found = list(_weights_of(result.model, packing, result.precision, result.head))
    return (
        sum(count for count, _ in found),
        sum(one.moved_bytes for _, one in found),
        sum(one.table_bytes for _, one in found),
        max(one.on_chip_table_bytes for _, one in found),
    )


def _weights_of(
    shape: Any, packing: seam.Packing, precision: Precision, head: bool
) -> Iterator[tuple[int, PackedWeight]]:
    """Every weight that a pass reads once: how many values, and as it is moved."""
    one = Pass(shape, 1, 0, 1)
    layers = [(f"layers.{n}", one.block(n)) for n in range(shape.layers)]
    if head and shape.vocab:
        layers.append(("head", one.head().operations))
    for name, operations in layers:
        packed = packed_weights(name, operations, precision, packing, 1.0).by_role
        for operation in operations:
            if operation.weights:
                yield operation.weights, packed[operation.name]


def _profiled_share(shape: Any, packing: ProfilePacking | None, head: bool) -> float:
    """Of the weights of a token, those whose bytes were measured."""
    if packing is None:
        return 0.0
    one = Pass(shape, 1, 0, 1)
    keys = [(n, op) for n in range(shape.layers) for op in one.block(n) if op.weights]
    total = sum(op.weights for _, op in keys)
    known = sum(op.weights for n, op in keys if (n, op.name) in packing.by_weight)
    if head and shape.vocab:
        total += shape.head_weights
        tied = {(None, "head"), (None, "embedding")} & set(packing.by_weight)
        known += shape.head_weights if tied else 0
    return known / total
