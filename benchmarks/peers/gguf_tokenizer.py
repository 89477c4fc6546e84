"""Saves the tokenizer of a GGUF file as tokenizer.json: python gguf_tokenizer.py FILE FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def main() -> None:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise SystemExit(f"needs transformers: {error}") from error
    source = Path(sys.argv[1])
    tokenizer: Any = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    tokenizer.save_pretrained(sys.argv[2])


if __name__ == "__main__":
    main()
