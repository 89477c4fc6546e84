"""Converts a Hugging Face folder to CTranslate2's INT8: python ctranslate2_convert.py FROM TO."""

from __future__ import annotations

import sys
from typing import Any


def main() -> None:
    try:
        from ctranslate2.converters import TransformersConverter
    except ImportError as error:
        raise SystemExit(f"needs ctranslate2, torch and transformers: {error}") from error
    converter: Any = TransformersConverter(sys.argv[1], low_cpu_mem_usage=True)
    converter.convert(sys.argv[2], quantization="int8", force=True)


if __name__ == "__main__":
    main()
