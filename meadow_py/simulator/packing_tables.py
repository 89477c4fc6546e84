"""Packings compared on devices: bytes, time, energy and memory in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from meadow_py import devices as device_room
from meadow_py import workload
from meadow_py.codecs import CODECS, CODERS
from meadow_py.results import data_frame
from meadow_py.simulator import packing as seam
from meadow_py.simulator.assembly import packed_weights
from meadow_py.simulator.named_packings import packing_of
from meadow_py.simulator.packing import Decoder, PackedWeight
from meadow_py.simulator.prediction import simulate
from meadow_py.simulator.profile_packing import ProfilePacking
from meadow_py.workload import Pass, Precision

if TYPE_CHECKING:
    import pandas

    from meadow_py.devices import Device
    from meadow_py.profiler import Profile


CODE_PACKINGS = ("none", *CODECS, *CODERS)
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
        Bits per weight over all weights that a decoded token reads, everything counted.
    weight_bytes, table_bytes : float
        Off-chip bytes of weights for a token, and the dictionaries and code tables among them.
    on_chip_table_bytes : float
        Bytes of the largest table of any weight, held in on-chip memory beside the buffers.
    table_fits : bool
        Whether that table takes at most half of the device's on-chip memory.
    prefill_s : float
    decode_s_per_token : float or None
        Seconds of a decoded token. This and the next three are None for encoders.
    tokens_per_s : float or None
    speedup : float or None
        Time of a token with dense weights, divided by its time with this packing on the same
        device.
    energy_per_token_j : float or None
        Typical energy.
    decoder_weights_per_s : float
        Weights per second that all decoders together must deliver to keep up with the memory that
        feeds them: the lowest speed at which decoding is free.
    decoder_bound_share : float
        Share of a token's time spent in operations that the given decoder limits; 0 for a decoder
        without a limit.
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
    """A comparison of packings on devices; made by `packing_table`.

    Attributes
    ----------
    model, precision : str
    prompt, context : int
        Tokens, as for `simulate`.
    profiled_share : float
        Share of the weights of a decoded token whose bytes were measured. `unprofiled` says how
        the others are counted.
    unprofiled : str
        ``dense`` or ``mean``; see `ProfilePacking.of`.
    rows : tuple of PackingRow
        Device after device, with packings in the order in which they were requested.
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
        """Number of rows."""
        return len(self.rows)

    def best(self, device: str) -> PackingRow:
        """The fastest row of a device, by time per token, among those whose table fits.

        Returns
        -------
        PackingRow

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
        """Convert the table to JSON types.

        Returns
        -------
        dict
        """
        return {
            "version": 1,
            "kind": "packing_table",
            **asdict(self),
            "rows": [asdict(row) for row in self.rows],
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per device and packing. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        return data_frame(self, [asdict(row) for row in self.rows])

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
        The model, as for `simulate`; it gives the shape.
    profile : Profile, optional
        A profile of the model's weights, whose measured bytes count. Without it, packings are
        ratios.
    devices : sequence of str or Device
    packings : sequence, optional
        Each entry as for `simulate`. By default all codecs: those of codes at 8 bits per weight or
        fewer, otherwise those of stored floats. Each device has a dense row first in any case.
    precision : str or Precision
    prompt : int, optional
        Tokens in the prompt.
    decoders : mapping of str to Decoder, optional
        Decoders by the name of their packing. Packings that are not named here are never limited
        by decoding.
    granularity, chunk_size, quantizer
        Which setting of the profile to use. By default, each codec has the chunk size that suits
        it best.
    unprofiled : {"dense", "mean"}
        How weights without a profile are counted; see `ProfilePacking.of`.
    **options
        Arguments of `simulate`: ``bandwidth``, ``generate``, ``batch``, ``context``, ...

    Returns
    -------
    PackingTable

    Raises
    ------
    ValueError, FormatError, OSError
        As `simulate`; ValueError also for decoders of packings that are not compared.
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
        raise ValueError(
            f"decoders: expected some of {', '.join(names)}, found {', '.join(unknown)}"
        )


def _packings(
    packings: Sequence[str | float | seam.Packing] | None, profile: Profile | None, bits: Precision
) -> list[str | float | seam.Packing]:
    if packings is None:
        if profile is None:
            raise ValueError("packings: expected at least one when no profile is given")
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
    """Number of weights of a token, their off-chip bytes, the tables' part, the largest table."""
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
    """Every weight matrix that a pass reads once: its number of values, and its bytes."""
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
    """Share of the weights of a token whose bytes were measured."""
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
