"""What a plan says: for each precision and packing whether it fits, where, and how fast it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from meadow_py.devices import Device
from meadow_py.records import Count, NonNegative, Range, from_json_types, to_json_types
from meadow_py.results import Result
from meadow_py.simulator import Assumption, Band
from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ON_CHIP, MEMORY, STORAGE, NOWHERE = "on chip", "memory", "storage", "nowhere"


@dataclass(frozen=True)
class Footprint:
    """Bytes that a model needs while it runs.

    Attributes
    ----------
    weights : float
        Where they lie while it runs.
    file : float
        Weights in storage: the storage codec is decoded when they are loaded.
    kv_cache : float
        Of all tokens of the context, all sequences.
    kv_cache_per_token : float
    activations : float
        The largest that are alive at once, of the tokens that are read together.
    """

    weights: NonNegative
    file: NonNegative
    kv_cache: NonNegative
    kv_cache_per_token: NonNegative
    activations: NonNegative

    @property
    def working(self) -> float:
        """What changes with every token: KV cache and activations."""
        return self.kv_cache + self.activations

    @property
    def total(self) -> float:
        """Everything."""
        return self.weights + self.working


@dataclass(frozen=True)
class MatrixTiles:
    """How one matrix is brought on the chip, piece by piece.

    Attributes
    ----------
    name : str
        Its role, such as ``mlp.up``.
    rows, columns, count : int
        Its shape ``[out, in]``, and how many of it the model has.
    tile_rows : int
        Rows of a tile; 0 where not even one row fits and a tile is a part of a row.
    tiles : int
        Of one matrix.
    tile_bytes : float
    fetch_s, compute_s, seconds : float
        Of one matrix and one token: fetching alone, arithmetic alone, and both with two buffers.
    """

    name: str
    rows: Count
    columns: Count
    count: Count
    tile_rows: Count
    tiles: Count
    tile_bytes: NonNegative
    fetch_s: NonNegative
    compute_s: NonNegative
    seconds: NonNegative


@dataclass(frozen=True)
class Tiling:
    """Weights that come to the chip for every token, in tiles and through two buffers.

    Attributes
    ----------
    source : str
        Where they come from.
    buffer_bytes : float
        Of one of the two buffers.
    matrices : tuple of MatrixTiles
    seconds : float
        Of one token.
    """

    source: str
    buffer_bytes: NonNegative
    matrices: tuple[MatrixTiles, ...]
    seconds: NonNegative


@dataclass(frozen=True)
class FromStorage:
    """One storage of the device, from cold.

    Attributes
    ----------
    name : str
    holds : bool or None
        Whether the weights fit; None where its capacity is not known.
    read_s : Band
        Reading all weights once.
    first_token_s : Band or None
        Reading them and then the prompt, a lower bound; None where nothing runs.
    streamed_tokens_per_s : Band or None
        Decoding while weights come from there for every token, as far as memory does not keep them;
        low: all of them, as a page cache that drops the oldest pages does it.
    """

    name: str
    holds: bool | None
    read_s: Band
    first_token_s: Band | None
    streamed_tokens_per_s: Band | None


@dataclass(frozen=True)
class Option:
    """One precision and packing on the device.

    Attributes
    ----------
    precision : Precision
    packing : str
    size_source : str
        ``nominal``, ``profile`` or ``given``: what the size of the weights is from.
    footprint : Footprint
    place : str
        Where the weights lie while it runs: ``on chip``, ``memory``, ``storage`` (streamed for
        every token) or ``nowhere``.
    where : str
        The name of that memory or storage; what is in the way where it is nowhere.
    longest_context : int or None
        Tokens of context with which it stays on the chip or in memory; 0 where it does not with
        any; None for encoders.
    prefill_s : Band or None
        Reading the prompt, weights being where they lie: a lower bound. None where nothing runs.
    tokens_per_s : Band or None
        Decoded, all sequences together, at the full context. None where nothing runs, and for
        encoders.
    energy_per_token_j : Band or None
        The device's power at work x time; None where its file gives no such power.
    bound : str
        ``memory``, ``storage``, ``compute`` or ``overhead``: what takes longest of a token.
    storages : tuple of FromStorage
    tiling : Tiling or None
        Of devices whose memory on the chip is addressed by programs.
    """

    precision: Precision
    packing: str
    size_source: str
    footprint: Footprint
    place: str
    where: str
    longest_context: Count | None
    prefill_s: Band | None
    tokens_per_s: Band | None
    energy_per_token_j: Band | None
    bound: str
    storages: tuple[FromStorage, ...]
    tiling: Tiling | None = None

    @property
    def in_memory(self) -> bool:
        """Whether it runs without reading storage for every token."""
        return self.place in (ON_CHIP, MEMORY)

    @property
    def first_token_s(self) -> Band | None:
        """From cold with the fastest storage that may hold it."""
        times = [s.first_token_s for s in self.storages if s.holds is not False and s.first_token_s]
        return min(times, key=lambda band: band.typical, default=None)


@dataclass(frozen=True)
class Plan(Result):
    """Whether a model fits on a device, where, and how fast it is there; made by `plan`.

    Attributes
    ----------
    model : ModelShape
    device : Device
    context, prompt, batch : int
        Tokens in the KV cache, tokens of the prompt, sequences side by side.
    options : tuple of Option
        One for each precision and packing, in the order in which they were asked for.
    room : dict of str to float
        Bytes that the model may take, ``on chip`` and in ``memory``; 0 where there is none.
    assumptions : tuple of Assumption
        What no source gives, by the name of the argument that changes it.
    notes : tuple of str
    """

    model: ModelShape
    device: Device
    context: Count
    prompt: Count
    batch: Annotated[int, Range(least=1)]
    options: tuple[Option, ...]
    room: dict[str, NonNegative] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def fits(self) -> bool:
        """Whether any option runs from memory."""
        return any(option.in_memory for option in self.options)

    @property
    def fitting(self) -> tuple[Option, ...]:
        """The options that run from memory or from the chip."""
        return tuple(option for option in self.options if option.in_memory)

    KIND: ClassVar[str] = "plan"
    MARKS: ClassVar[tuple[str, ...]] = ("kind", "options")
    AGAIN: ClassVar[str] = "plan again"

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow plan --json``.

        Returns
        -------
        dict
            Bytes, seconds, tokens per second and joules; see docs/json.md.
        """
        return {
            "version": self.VERSION,
            "kind": self.KIND,
            "model": self.model.to_dict(),
            "device": self.device.to_dict(),
            "context": self.context,
            "prompt": self.prompt,
            "batch": self.batch,
            "fits": self.fits,
            "room": dict(self.room),
            "options": [_option_to_dict(option) for option in self.options],
            "assumptions": to_json_types(self.assumptions),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """The plan from what `to_dict` gave; see `Result.from_dict`."""
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat row per option: typical values, with ``_low`` and ``_high`` beside them."""
        return [_row(option) for option in self.options]

    def plot(self, kind: str = "footprint", ax: Axes | None = None) -> Axes:
        """Draw one figure of the plan, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            ``footprint``: bytes of weights, KV cache and activations beside what the device has;
            ``first-token``: seconds from cold, by storage.
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a figure of a fitting size.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            For another kind.
        """
        from meadow_py.views.plots.plan import draw_plan

        return draw_plan(self, kind, ax)

    def _repr_html_(self) -> str:
        from meadow_py.views.html.plan import plan_html

        return plan_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.plan import plan_text

        return plan_text(self)


def _option_to_dict(option: Option) -> dict[str, Any]:
    made: dict[str, Any] = to_json_types(option)
    made["precision"] = str(option.precision)
    made["in_memory"] = option.in_memory
    first = option.first_token_s
    made["first_token_s"] = None if first is None else to_json_types(first)
    made["footprint"] |= {"working": option.footprint.working, "total": option.footprint.total}
    return made


def _row(option: Option) -> dict[str, Any]:
    need = option.footprint
    row: dict[str, Any] = {
        "precision": str(option.precision),
        "packing": option.packing,
        "place": option.place,
        "where": option.where,
        "weight_bytes": need.weights,
        "file_bytes": need.file,
        "kv_cache_bytes": need.kv_cache,
        "activation_bytes": need.activations,
        "total_bytes": need.total,
        "longest_context": option.longest_context,
        "bound": option.bound,
    }
    for name in ("first_token_s", "prefill_s", "tokens_per_s", "energy_per_token_j"):
        band: Band | None = getattr(option, name)
        row[name] = None if band is None else band.typical
        row[f"{name}_low"] = None if band is None else band.low
        row[f"{name}_high"] = None if band is None else band.high
    return row
