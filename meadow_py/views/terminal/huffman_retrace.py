"""The retrace of Huff-LLM as text: for each set of weights, how far every claim is reached."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from meadow_py.simulator.huffman_hardware import HuffmanRetrace
from meadow_py.spelling import visible
from meadow_py.views.terminal.printing import plain_console, printed

HEADINGS = ("weights", "claim", "paper", "here, worst\nto best", "sets that\nreach it")


def huffman_retrace_text(found: HuffmanRetrace, width: int | None = None) -> str:
    """The retrace as plain text, `width` columns wide (the terminal's, or 80)."""
    about = found.to_dict()
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in HEADINGS:
        shown.add_column(name, overflow="fold", no_wrap=name == "claim")
    for one in about["weights"]:
        for row in claim_rows(one, {claim["name"]: claim["value"] for claim in about["claims"]}):
            shown.add_row(*map(Text, row))
    head = Text("Huff-LLM's claims on an accelerator with Huffman decoders", style="bold")
    return printed(Group(head, Text(), shown), plain_console(width)).removesuffix("\n")


def claim_rows(one: dict[str, Any], claims: dict[str, float]) -> list[tuple[str, ...]]:
    """Name, claim, the paper's figure, the range here, and how many sets reach it."""
    name = f"{visible(one['name'])}: {one['bits_per_weight']:.2f} b/w"
    size = "yes" if one["size_saving"] >= claims["size"] else "no"
    rows: list[tuple[str, ...]] = [
        (name, "size", f"-{claims['size']:.0%}", f"-{one['size_saving']:.1%}", size)
    ]
    reached = one["latency"]
    rows.append(("", "latency", f"-{claims['latency']:.0%}", _range(reached), _count(reached)))
    for band, found in one["energy"].items():
        label = f"energy, {band}"
        rows.append(("", label, f"-{claims['energy']:.0%}", _range(found), _count(found)))
    for unit, found in one["area"].items():
        spread = f"+{found['least']:.1%} to +{found['most']:.0%}"
        count = f"{found['at_most_claim']} of {found['sets']}"
        rows.append(("", f"area, {unit}", f"+{claims['area']:.0%}", spread, count))
    return rows


def _range(found: dict[str, Any]) -> str:
    return f"{-found['least']:+.1%} to {-found['most']:+.1%}"


def _count(found: dict[str, Any]) -> str:
    return f"{found['reached']} of {found['sets']}"
