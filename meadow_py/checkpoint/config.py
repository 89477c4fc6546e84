"""``config.json`` of a packed folder: what tells Transformers that the weights are packed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from meadow_py.checkpoint.layout import VERSION
from meadow_py.checkpoint.manifest import ORIGINALS
from meadow_py.sources.strict_json import read_object

QUANT_METHOD = "meadow"
_KEY = "quantization_config"
_NOTE = "import meadow_py.torch before from_pretrained: without it no weights are found here"


def packed_config(source: Path, codec: str) -> bytes:
    """The configuration with a ``quantization_config`` of ours; the source's own stays apart."""
    config = read_object(source)
    config[_KEY] = {
        "quant_method": QUANT_METHOD,
        "version": VERSION,
        "codec": codec,
        "note": _NOTE,
    }
    return json.dumps(config, indent=2, ensure_ascii=False).encode() + b"\n"


def original_config(folder: Path) -> dict[str, Any] | None:
    """The configuration of the model as it was before it was packed, None if it had none."""
    kept = folder / ORIGINALS / "config.json"
    if kept.is_file():
        return read_object(kept)
    path = folder / "config.json"
    if not path.is_file():
        return None
    config = read_object(path)
    ours = config.get(_KEY)
    if isinstance(ours, dict) and ours.get("quant_method") == QUANT_METHOD:
        del config[_KEY]
    return config
