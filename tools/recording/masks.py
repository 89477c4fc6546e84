"""What may differ from run to run in a text, named rule by rule."""

from __future__ import annotations

import re

_NUMBER = r"-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_ISA = r"(?:scalar|avx2|avx512|neon)"
_DURATION = rf"{_NUMBER} (?:s|ms|us|µs|ns|min|h)\b"
_RATE = rf"{_NUMBER} (?:[kMG]?i?B|[kMG])/s"


def _json_numbers(*names: str) -> list[tuple[str, str]]:
    """Mask the numbers of these keys of JSON."""
    keys = "|".join(names)
    return [(rf'("(?:{keys})": )(?:{_NUMBER}|null)', r"\1<number>")]


RULES: dict[str, list[tuple[str, str]]] = {
    # Of profiles and sweeps: which ISA ran, on how many threads, and the time of each stage.
    "host": [
        (rf"\s{_ISA},\s+{_NUMBER}\s+threads?", " <isa>, <n> threads"),  # wrapped or not
        (rf"(instruction set</th><td[^>]*>){_ISA}", r"\1<isa>"),
        (rf"(threads</th><td[^>]*>){_NUMBER}", r"\1<n>"),
        (rf"(seconds: [a-z]+</th><td[^>]*>){_NUMBER}", r"\1<number>"),
        (rf'"isa": "{_ISA}"', '"isa": "<isa>"'),
        *_json_numbers("threads"),
        (r'"seconds": \{[^}]*\}', '"seconds": <stages>'),
    ],
    # Of pack, unpack and verify: how long it took, and how fast that is.
    "elapsed": [
        (rf"in {_DURATION}, {_RATE}", "in <duration>, <rate>"),
        (r'"seconds": [0-9.e+-]+', '"seconds": <number>'),
    ],
    # Of run: times, speeds and this host's bandwidth.
    "speed": [
        (rf"first token after {_DURATION} \({_NUMBER}", "first token after <duration> (<number>"),
        (rf"{_NUMBER} tokens/s", "<number> tokens/s"),
        (rf"{_RATE}", "<rate>"),
        (rf"{_NUMBER} %", "<number> %"),
        *_json_numbers(
            "first_token_seconds",
            "prompt_tokens_per_second",
            "tokens_per_second",
            "bytes_per_second",
            "read_bandwidth",
            "bandwidth_fraction",
        ),
    ],
    # Of bench: everything that was measured; names, labels and counts stay.
    "bench": [
        (r'"(host|bandwidth)": \{.*?\}(?=, "(?:bandwidth|dense)")', r'"\1": <measured>'),
        *_json_numbers(
            r"(?:decode|prefill)_tokens_per_second(?:_min|_max)?",
            "product_seconds",
            "bandwidth_fraction",
            "peak_anonymous_bytes",
            "[a-z]+_speedup",
        ),
        (r'"verdict": "[^"]*"', '"verdict": "<sentence>"'),
    ],
    # Of the matrices that "auto" chooses by ISA: their forms, and the bytes that follow from them.
    "chosen": [
        (r'"forms": \{[^}]*\}', '"forms": <chosen>'),
        (r'"bytes_per_token": [0-9]+', '"bytes_per_token": <chosen>'),
    ],
    # Of config and --version: releases, the compiler, the platform and the CPU.
    "installation": [
        (r"(?m)^(  (?!assertions|standard)[A-Za-z_0-9]+: ).*$", r"\1<installed>"),
        (
            r'"((?!assertions|standard)[A-Za-z_0-9]+)": '
            r'(?:"[^"]*"|\[[^\]]*\]|[0-9]+|null)',
            r'"\1": <installed>',
        ),
        (r"meadow [0-9]+\.[0-9]+\.[0-9a-z.]+", "meadow <release>"),
    ],
    # Of device files that were measured on this host, and of bench tables: every number.
    "numbers": [
        (rf"Measured with {_ISA} on", "Measured with <isa> on"),
        (rf"{_NUMBER} (?:{_MONTH}) {_NUMBER}", "<date>"),
        (_NUMBER, "<number>"),
        (r"[ \t]{2,}", "  "),
        (r"-{2,}", "--"),
    ],
    # Drawings depend on the release of matplotlib and its fonts: only that they are there stays.
    "drawings": [
        (r"(?s)<svg.*?</svg>", "<drawing>"),
        (r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", "data:<drawing>"),
    ],
}


def masked(text: str, rules: tuple[str, ...], places: dict[str, str]) -> str:
    """Replace what may differ.

    Parameters
    ----------
    text : str
    rules : tuple of str
        Names of `RULES`, applied in this order.
    places : dict of str to str
        Folders that differ from run to run, and what to write for them.
    """
    for place, name in places.items():
        text = text.replace(place, name)
    for rule in rules:
        for pattern, replacement in RULES[rule]:
            text = re.sub(pattern, replacement, text)
    return text
