"""Texts that tokenizers get wrong."""

from __future__ import annotations

from pathlib import Path

TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    "Once upon a time, there was a little girl.",
    "  two   spaces  ",
    " leading",
    "tab\tand\r\n\r\nlines \n end ",
    "don't can't I'LL we'Ve",
    "123456 7,890.12 1e-5",
    "na\u00efve caf\u00e9 cafe\u0301",
    "\u65e5\u672c\u8a9e \u4e2d\u6587 \ud55c\uad6d\uc5b4",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\U0001f642\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "\ufb01 \u212b \u2460 \u00bd \u200b\ufeff\u00a0",
    "control \x00\x01\x7f \x1b[0m",
    "def f(x):\n    return x ** 2  # comment\n",
    "\u2581x \u2581\u2581 y\u2581",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]
"""Without spellings of special tokens."""


def long_texts(shared_data: Path) -> list[str]:
    """200,000 characters of each shared text."""
    names = ("wikitext2.test.raw.txt", "tinystories_sample_2M.txt")
    return [(shared_data / "text" / name).read_text("utf-8")[:200_000] for name in names]
