"""JSON files that carry their own checksum."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from meadow_py.errors import FormatError
from meadow_py.sources.strict_json import parse_object

_NONE = "0" * 64
_HEX = re.compile(r"[0-9a-f]{64}")


def seal(data: dict[str, Any]) -> bytes:
    """The object as JSON for people, with ``"checksum"``: SHA-256 of the text with zeros there."""
    text = json.dumps({**data, "checksum": _NONE}, indent=1, ensure_ascii=False).encode() + b"\n"
    before, found, after = text.rpartition(_NONE.encode())
    return before + hashlib.sha256(before + found + after).hexdigest().encode() + after


def unseal(text: bytes, where: str) -> dict[str, Any]:
    """The object again, without its checksum.

    Raises
    ------
    FormatError
        If it is no JSON object, or any byte has changed.
    """
    data = parse_object(text, where)
    digest = data.pop("checksum", None)
    if not isinstance(digest, str) or not _HEX.fullmatch(digest):
        raise FormatError(f"{where}: corrupt: no checksum in it")
    before, _, after = text.rpartition(digest.encode())
    found = hashlib.sha256(before + _NONE.encode() + after).hexdigest()
    if found != digest:
        raise FormatError(f"{where}: corrupt or edited: it has checksum {found}, expected {digest}")
    return data
