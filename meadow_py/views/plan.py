"""The words of a plan, which terminal and HTML share."""

from __future__ import annotations

from collections.abc import Sequence

from meadow_py.planner import Option, Plan, Tiling
from meadow_py.simulator import Band
from meadow_py.spelling import binary_size, byte_size, visible

_HEADINGS = {
    "precision": "precision",
    "form": "form",
    "weights": "weights",
    "working": "KV, act.",
    "place": "runs from",
    "cold": "first\ntoken s",
    "prompt": "prompt\ns",
    "speed": "tokens\n/s",
    "energy": "J/token",
    "context": "longest\ncontext",
}
_WORDS = ("precision", "form", "place")
TILE_HEADINGS = (
    "matrix",
    "out x in",
    "count",
    "rows of\na tile",
    "tiles",
    "fetch\nms",
    "compute\nms",
    "ms",
)
_PLACES = {"on chip": "chip", "memory": "memory", "storage": "storage", "nowhere": "nowhere"}


def title(plan: Plan) -> str:
    """``opt-125m on Raspberry Pi 5 (...)``."""
    return f"{visible(plan.model.name)} on {visible(plan.device.title)}"


def lengths(plan: Plan) -> str:
    """Prompt, context and sequences."""
    sequences = "" if plan.batch == 1 else f", {plan.batch} sequences"
    return f"prompt of {plan.prompt}, context of {plan.context} tokens{sequences}"


def verdict(plan: Plan) -> str:
    """One sentence: whether it fits, and in which form."""
    count, fitting = len(plan.options), plan.fitting
    if fitting:
        names = ", ".join(name_of(option) for option in fitting[:3])
        more = "" if len(fitting) <= 3 else f" and {len(fitting) - 3} more"
        return f"It fits in {len(fitting)} of {count} forms: {names}{more}."
    streaming = [option for option in plan.options if option.place == "storage"]
    if streaming:
        place = "on the chip" if plan.device.memory is None else "into memory"
        return (
            f"It does not fit {place}; in {len(streaming)} of {count} forms it runs with its "
            "weights read from storage for every token."
        )
    return "It does not run on this device."


def name_of(option: Option) -> str:
    """``w8a8``, ``w8a8 reindexed, tensor``."""
    packing = "" if option.packing == "dense" else f" {visible(option.packing)}"
    return f"{option.precision}{packing}"


def shown_option(plan: Plan) -> Option | None:
    """The fitting form with the most bits, else the one that streams least."""
    if plan.fitting:
        return max(plan.fitting, key=lambda option: option.footprint.weights)
    rest = [option for option in plan.options if option.place == "storage"]
    return min(rest, key=lambda option: option.footprint.weights, default=None)


def columns_of(plan: Plan) -> list[str]:
    """Of the table of options: what is packed leaves no room for more; encoders decode nothing."""
    packed = any(option.packing != "dense" for option in plan.options)
    left_out = {"precision", "working"} if packed else {"form"}
    if plan.model.encoder:
        left_out |= {"speed", "energy", "context"}
    return [name for name in _HEADINGS if name not in left_out]


def headings(columns: Sequence[str]) -> list[str]:
    """What stands above `columns`."""
    return [_HEADINGS[name] for name in columns]


def words_among(columns: Sequence[str]) -> list[str]:
    """Of the headings, those above words."""
    return [_HEADINGS[name] for name in columns if name in _WORDS]


def option_cells(option: Option, columns: Sequence[str]) -> list[str]:
    """One row of the plan."""
    need = option.footprint
    cells = {
        "precision": str(option.precision),
        "form": name_of(option),
        "weights": byte_size(round(need.file)),
        "working": byte_size(round(need.working)),
        "place": _PLACES[option.place],
        "cold": figure(option.first_token_s),
        "prompt": figure(option.prefill_s),
        "speed": figure(option.tokens_per_s),
        "energy": figure(option.energy_per_token_j),
        "context": "-" if option.longest_context is None else str(option.longest_context),
    }
    return [cells[name] for name in columns]


def place_lines(plan: Plan) -> list[str]:
    """What memory and storage are, and why what runs nowhere does not."""
    lines = []
    for place in ("memory", "storage", "nowhere"):
        found = sorted({visible(o.where) for o in plan.options if o.place == place})
        lines += [f"{place}: {'; '.join(found)}."] if found else []
    return lines


def storage_table(option: Option) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of what each storage means from cold."""
    headings = ["storage", "holds it", "read s", "first token s"]
    rows = [
        [
            visible(storage.name),
            {True: "yes", False: "no", None: "not known"}[storage.holds],
            spread(storage.read_s),
            spread(storage.first_token_s),
        ]
        for storage in option.storages
    ]
    streamed = [spread(storage.streamed_tokens_per_s) for storage in option.storages]
    if option.place != "storage":
        return headings, rows
    together = [[*row, speed] for row, speed in zip(rows, streamed, strict=True)]
    return [*headings, "streamed\ntokens/s"], together


def tiling_line(tiling: Tiling) -> str:
    """The buffers and what a token takes through them."""
    buffer = binary_size(round(tiling.buffer_bytes))
    return (
        f"Through two buffers of {buffer} each on the chip, from {visible(tiling.source)}: "
        f"{number(tiling.seconds)} s a token."
    )


def tile_rows(tiling: Tiling) -> list[list[str]]:
    """Under `TILE_HEADINGS`."""
    return [
        [
            matrix.name,
            f"{matrix.rows} x {matrix.columns}",
            str(matrix.count),
            str(matrix.tile_rows or "part of one"),
            str(matrix.tiles),
            *(number(1e3 * s) for s in (matrix.fetch_s, matrix.compute_s, matrix.seconds)),
        ]
        for matrix in tiling.matrices
    ]


def note_lines(plan: Plan) -> list[str]:
    """Notes, and the names of all assumptions."""
    said = "; ".join(f"{a.name} {_value(a.value, a.unit)}" for a in plan.assumptions)
    if not said:
        return list(plan.notes)
    tail = "Reasons are in --json and in meadow devices show."
    return [*plan.notes, f"Assumed, as no source gives it: {said}. {tail}"]


def _value(value: float | str, unit: str) -> str:
    if isinstance(value, str) or not unit:
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{byte_size(round(value))}{unit.removeprefix('bytes')}"


def figure(band: Band | None) -> str:
    """The typical value; a dash where there is none."""
    return "-" if band is None else number(band.typical)


def spread(band: Band | None) -> str:
    """``4.72 (4.2 to 8.3)``."""
    if band is None:
        return "-"
    return f"{number(band.typical)} ({number(band.low)} to {number(band.high)})"


def number(value: float) -> str:
    """Three figures, without an exponent where that is readable."""
    return (
        f"{value:.3g}" if 1e-3 <= value < 1e3 else f"{value:,.0f}" if value >= 1 else f"{value:.2g}"
    )
