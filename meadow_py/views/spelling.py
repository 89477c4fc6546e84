"""Titles of codes, packings and choices, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meadow_py import quantizers

if TYPE_CHECKING:
    from meadow_py.sweep import Choice, SweetSpot


def choice_title(choice: Choice, among: SweetSpot | None = None) -> str:
    """``re-indexed C=2, INT8 tensor``; codes are not named if they are those of the reference."""
    codec = form_title(choice.codec)
    chunk = "" if choice.chunk_size is None else f" C={choice.chunk_size}"
    if among is not None and choice.quantizer == among.quantizer:
        return f"{codec}{chunk}"
    return f"{codec}{chunk}, {quantizers.title(choice.quantizer, short=True)}"


def form_title(codec: str) -> str:
    """``dense``, ``plain Huffman``, ``storage codec``, ``re-indexed``."""
    from meadow_py.codecs import CODECS, CODERS

    titles = {"dense": "dense", "plain_huffman": "plain Huffman"}
    coded = CODERS.get(codec) or CODECS.get(codec)
    return titles[codec] if coded is None else coded.title
