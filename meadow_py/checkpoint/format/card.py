"""The model card and the configuration of a packed folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from meadow_py.checkpoint.format.layout import VERSION
from meadow_py.checkpoint.format.manifest import ORIGINALS, Manifest
from meadow_py.sources.strict_json import read_object
from meadow_py.spelling import visible

CARD = "MEADOW.md"
QUANT_METHOD = "meadow"
_KEY = "quantization_config"
_NOTE = "import meadow_py.torch before from_pretrained: without it no weights are found here"

_TEXT = """\
## Packed losslessly with meadow_py

The weights take {packed:,} of {original:,} bytes ({share:.1f} %): codec setting {codec}, packed
format version {version}, written by {software}. Nothing is lost, every bit of the original files
comes back:

```sh
meadow verify .
meadow unpack . ../original
```

In Python, `import meadow_py.torch` lets `AutoModelForCausalLM.from_pretrained` load this folder.
Without that line Transformers finds no weights here, and says so.

| original file | bytes | packed | SHA-256 of the original |
|---|---:|---:|---|
"""


def model_card(manifest: Manifest) -> str:
    """Markdown: size, codec, how to load the model and how to restore the original."""
    packed = sum(entry.size for entry in manifest.packed)
    original = sum(entry.source_size for entry in manifest.packed)
    text = _TEXT.format(
        packed=packed,
        original=original,
        share=100 * packed / original,
        codec=_code(manifest.codec),
        version=VERSION,
        software=_literal(manifest.software),
    )
    for entry in manifest.packed:
        sizes = f"{entry.source_size:,} | {entry.size:,}"
        text += f"| {_literal(entry.source)} | {sizes} | `{entry.source_sha256}` |\n"
    return text


# Text that Markdown shows as it is: no markup, no HTML, no address that becomes a link.
_PLAIN = re.compile(r"(?!.*www\.)[A-Za-z0-9][A-Za-z0-9_./+ -]*[A-Za-z0-9]")


def _literal(text: str) -> str:
    """Text from a file so that Markdown shows it as it is."""
    return text if _PLAIN.fullmatch(text) else _code(text)


def _code(text: str) -> str:
    """Text as code, in which Markdown recognises no markup; fit for a cell of a table."""
    shown = visible(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}"


def packed_config(source: Path, codec: str) -> bytes:
    """The configuration with our ``quantization_config``; the original is stored separately."""
    config = read_object(source)
    config[_KEY] = {
        "quant_method": QUANT_METHOD,
        "version": VERSION,
        "codec": codec,
        "note": _NOTE,
    }
    return json.dumps(config, indent=2, ensure_ascii=False).encode() + b"\n"


def original_config(folder: Path) -> dict[str, Any] | None:
    """The configuration of the model before packing, or None if it had none."""
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
