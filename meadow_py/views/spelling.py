"""How codes, packings and choices are titled for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meadow_py.sensitivity import Choice, SweetSpot


def choice_title(choice: Choice, among: SweetSpot | None = None) -> str:
    """``re-indexed C=2, INT8 tensor``; codes like those of the reference are not named again."""
    codec = form_title(choice.codec)
    chunk = "" if choice.chunk_size is None else f" C={choice.chunk_size}"
    if among is not None and (choice.bits, choice.granularity) == (among.bits, among.granularity):
        return f"{codec}{chunk}"
    return f"{codec}{chunk}, {setting_title(choice.bits, choice.granularity, short=True)}"


def form_title(codec: str) -> str:
    """``dense``, ``plain Huffman``, ``storage codec``, ``re-indexed``."""
    from meadow_py.codecs import CODECS, CODERS

    titles = {"dense": "dense", "plain_huffman": "plain Huffman"}
    coded = CODERS.get(codec) or CODECS.get(codec)
    return titles[codec] if coded is None else coded.title


def setting_title(bits: int, granularity: str, short: bool = False) -> str:
    """``INT8, one scale per tensor``; short: ``INT8 tensor``."""
    if short:
        return f"INT{bits} {granularity}"
    if granularity == "stored":
        return f"INT{bits} codes as stored"
    if granularity == "row":
        return f"INT{bits}, one scale per row"
    kind, _, size = granularity.partition(":")
    if kind == "group":
        return f"INT{bits}, one scale per {size} inputs of a row"
    return f"INT{bits}, one scale per {granularity}"
