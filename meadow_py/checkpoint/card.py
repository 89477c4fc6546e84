"""``MEADOW.md``: what to put on a model's card."""

from __future__ import annotations

from meadow_py.checkpoint.layout import VERSION
from meadow_py.checkpoint.manifest import Manifest

_TEXT = """\
## Packed losslessly with meadow_py

The weights take {packed:,} of {original:,} bytes ({share:.1f} %): codec setting `{codec}`, packed
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
    """Markdown: size, codec, how to load it and how to get the original back."""
    packed = sum(entry.size for entry in manifest.packed)
    original = sum(entry.source_size for entry in manifest.packed)
    text = _TEXT.format(
        packed=packed,
        original=original,
        share=100 * packed / original,
        codec=manifest.codec,
        version=VERSION,
        software=manifest.software,
    )
    for entry in manifest.packed:
        name = entry.source.replace("|", "\\|")
        text += f"| {name} | {entry.source_size:,} | {entry.size:,} | `{entry.source_sha256}` |\n"
    return text
