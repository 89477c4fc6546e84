"""The result of `plan`: for each precision and packing, whether it fits, where, and how fast."""

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
        Bytes of the weights as they are held while the model runs.
    file : float
        Bytes of the weights in storage. With the storage codec this is less than `weights`,
        because they are decoded when they are loaded.
    kv_cache : float
        Bytes of the KV cache for the full context of all sequences.
    kv_cache_per_token : float
        Bytes of the KV cache for one token of all sequences.
    activations : float
        Most bytes of activations alive at once, for the tokens that are processed together.
    """

    weights: NonNegative
    file: NonNegative
    kv_cache: NonNegative
    kv_cache_per_token: NonNegative
    activations: NonNegative

    @property
    def working(self) -> float:
        """Bytes of the KV cache and activations, which change with every token."""
        return self.kv_cache + self.activations

    @property
    def total(self) -> float:
        """Bytes of weights, KV cache and activations together."""
        return self.weights + self.working


@dataclass(frozen=True)
class MatrixTiles:
    """How one matrix is brought onto the chip, tile by tile.

    Attributes
    ----------
    name : str
        The role of the matrix, such as ``mlp.up``.
    rows, columns, count : int
        Its shape ``[out, in]``, and how many such matrices the model has.
    tile_rows : int
        Rows in a tile; 0 if not even one row fits, so that a tile is part of a row.
    tiles : int
        Tiles in one matrix.
    tile_bytes : float
        Bytes of a full tile.
    fetch_s, compute_s, seconds : float
        Seconds for one matrix and one token: fetching alone, arithmetic alone, and both
        overlapped through two buffers.
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
    """How weights are brought onto the chip for every token, in tiles through two buffers.

    Attributes
    ----------
    source : str
        The memory or storage that they come from.
    buffer_bytes : float
        Size of each of the two buffers.
    matrices : tuple of MatrixTiles
    seconds : float
        Seconds to bring in all weights for one token and compute with them.
    """

    source: str
    buffer_bytes: NonNegative
    matrices: tuple[MatrixTiles, ...]
    seconds: NonNegative


@dataclass(frozen=True)
class FromStorage:
    """One storage of the device, and how fast the model starts and runs from it.

    Attributes
    ----------
    name : str
    holds : bool or None
        Whether the weights fit; None if its capacity is unknown.
    read_s : Band
        Seconds to read all weights once.
    first_token_s : Band or None
        Seconds to read the weights and then the prompt, a lower bound; None if the model does not
        run.
    streamed_tokens_per_s : Band or None
        Decoded tokens per second while the weights that memory cannot hold are read from this
        storage for every token. The low end reads all weights each time, as happens with a page
        cache that drops the oldest pages. None if weights are not streamed, and for encoders.
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
        Where the size of the weights comes from: ``nominal``, ``profile`` or ``given``.
    footprint : Footprint
    place : str
        Where the weights are kept while the model runs: ``on chip``, ``memory``, ``storage``
        (streamed for every token) or ``nowhere``.
    where : str
        The name of that memory or storage; if the place is ``nowhere``, the reason.
    longest_context : int or None
        Most tokens of context with which the model still fits on the chip or in memory; 0 if it
        never fits; None for encoders.
    prefill_s : Band or None
        Seconds to process the prompt with weights already in place, a lower bound; None if the
        model does not run.
    tokens_per_s : Band or None
        Decoded tokens per second of all sequences together, at the full context. None if the
        model does not run, and for encoders.
    energy_per_token_j : Band or None
        Joules of a decoded token: the device's active power times the time. None if the device
        file does not give that power.
    bound : str
        The part of a token that takes longest: ``memory``, ``storage``, ``compute`` or
        ``overhead``.
    storages : tuple of FromStorage
    tiling : Tiling or None
        Set where tiles pass through on-chip memory that programs address themselves.
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
        """Whether the model runs without reading storage for every token."""
        return self.place in (ON_CHIP, MEMORY)

    @property
    def first_token_s(self) -> Band | None:
        """Seconds to the first token from cold, from the fastest storage that may hold it."""
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
        Tokens in the KV cache, tokens in the prompt, and sequences processed together.
    options : tuple of Option
        One for each precision and packing, in the order in which they were requested.
    room : dict of str to float
        Bytes that the model may take ``on chip`` and in ``memory``; 0 if the device has none.
    assumptions : tuple of Assumption
        Values that no source gives, named by the argument that changes them.
    notes : tuple of str
        Remarks on how to read the plan.
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
        """Whether any option runs from memory or from the chip."""
        return any(option.in_memory for option in self.options)

    @property
    def fitting(self) -> tuple[Option, ...]:
        """The options that run from memory or from the chip."""
        return tuple(option for option in self.options if option.in_memory)

    KIND: ClassVar[str] = "plan"
    MARKS: ClassVar[tuple[str, ...]] = ("kind", "options")
    AGAIN: ClassVar[str] = "plan again"

    def to_dict(self) -> dict[str, Any]:
        """Convert the plan to JSON types: the contract of ``meadow plan --json``.

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
        """Restore a plan from the output of `to_dict`; see `Result.from_dict`.

        Returns
        -------
        Plan
        """
        return from_json_types(cls, data)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat row per option: typical values, with ``_low`` and ``_high`` beside them.

        Returns
        -------
        list of dict
        """
        return [_row(option) for option in self.options]

    def plot(self, kind: str = "footprint", ax: Axes | None = None) -> Axes:
        """Draw one figure of the plan, without showing it. Needs matplotlib.

        Parameters
        ----------
        kind : str
            ``footprint``: bytes of weights, KV cache and activations, against what the device
            has; ``first-token``: seconds to the first token from cold, by storage.
        ax : matplotlib.axes.Axes, optional
            Where to draw; None creates a figure of a suitable size.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError
            For an unknown kind.
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
