"""JSON objects from untrusted files."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

from meadow_py.errors import FormatError
from meadow_py.spelling import quoted


def parse_object(text: bytes, where: str) -> dict[str, Any]:
    """Parse a JSON object; every error is a FormatError whose message starts with `where`.

    Duplicate keys, at any depth, and names that cannot be printed are refused.
    """
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """Parse the JSON object in a file."""
    text = path.read_bytes()
    if text.startswith(codecs.BOM_UTF8):
        raise FormatError(f"{path}: expected UTF-8 without a byte-order mark, found one")
    return parse_object(text, str(path))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        name.encode("utf-8")  # a lone surrogate is a ValueError here, rather than when printed
        if name in found:
            raise ValueError(f"the key {quoted(name)} appears twice")
        found[name] = value
    return found
