"""Huff-LLM (arXiv 2502.00922): the sets of assumptions under which its claims hold."""

from __future__ import annotations

from meadow_py.claims.huff_llm.assumptions import CLAIMS, HuffmanClaim, WeightsMeasured
from meadow_py.claims.huff_llm.retrace import HuffmanRetrace, retrace_huffman
from meadow_py.claims.huff_llm.sets import accelerator

__all__ = [
    "CLAIMS",
    "HuffmanClaim",
    "HuffmanRetrace",
    "WeightsMeasured",
    "accelerator",
    "retrace_huffman",
]
