"""Packed files with anything changed, and checksums that fit: what a hostile author would write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meadow_py.checkpoint.format.layout import REGIONS, HeaderEntry, header
from meadow_py.checkpoint.format.manifest import seal, unseal


class Forge:
    """The parts of a packed file.

    Attributes
    ----------
    metadata : dict
    stored : dict
        Name -> bytes of the tensors of the file, padded, in their order.
    table : dict
        The table of regions; None leaves it as it is stored.
    """

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        size = 8 + int.from_bytes(raw[:8], "little")
        entries = json.loads(raw[8:size])
        self.metadata: dict[str, Any] = entries.pop("__metadata__")
        self.stored = {
            name: raw[size + e["data_offsets"][0] : size + e["data_offsets"][1]]
            for name, e in entries.items()
        }
        self.table: dict[str, Any] = json.loads(self.stored[REGIONS])

    def write(self, path: Path, **words: str) -> None:
        """Write it, with the checksums of what it holds now, and these words of the metadata."""
        text = json.dumps(self.table, separators=(",", ":")).encode()
        self.stored[REGIONS] = text
        digests = [hashlib.sha256(data).digest() for n, data in self.stored.items() if n != REGIONS]
        if "data_sha256" in self.metadata:
            self.metadata["data_sha256"] = hashlib.sha256(b"".join(digests)).hexdigest()
        self.metadata["regions_sha256"] = hashlib.sha256(text).hexdigest()
        made, data = [], b""
        for name, content in self.stored.items():
            made.append(HeaderEntry(name, len(data), len(content)))
            data += content
        room = 1 << 16
        path.write_bytes(header(made, {**self.metadata, **words}, room) + data)


def forge_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a packed folder, and give it a checksum that fits."""
    path = folder / "meadow.json"
    data = unseal(path.read_bytes(), str(path))
    change(data)
    path.write_bytes(seal(data))
