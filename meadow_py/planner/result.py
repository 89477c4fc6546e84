"""What a plan says: for each precision and packing whether it fits, where, and how fast it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.simulator import Assumption, Band
from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from meadow_py.devices import Device

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

    weights: float
    file: float
    kv_cache: float
    kv_cache_per_token: float
    activations: float

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
    rows: int
    columns: int
    count: int
    tile_rows: int
    tiles: int
    tile_bytes: float
    fetch_s: float
    compute_s: float
    seconds: float


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
    buffer_bytes: float
    matrices: tuple[MatrixTiles, ...]
    seconds: float


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
    longest_context: int | None
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
class Plan:
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
    context: int
    prompt: int
    batch: int
    options: tuple[Option, ...]
    room: dict[str, float] = field(default_factory=dict)
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

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: the contract of ``meadow plan --json``."""
        from meadow_py.planner.serial import plan_to_dict

        return plan_to_dict(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per option. Needs pandas."""
        from meadow_py.planner.serial import plan_to_rows

        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Plan.to_dataframe() needs pandas: pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame(plan_to_rows(self))

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
