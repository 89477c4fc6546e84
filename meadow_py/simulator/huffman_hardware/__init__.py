"""Huffman decoders in front of an accelerator, after Huff-LLM (arXiv 2502.00922)."""

from __future__ import annotations

from meadow_py.simulator.huffman_hardware.area import (
    MULTIPLIERS,
    Circuits,
    decoder_area,
    lane_area,
    mac_area,
    table_bits,
)
from meadow_py.simulator.huffman_hardware.claims import (
    CLAIMS,
    HuffmanClaim,
    WeightsMeasured,
)
from meadow_py.simulator.huffman_hardware.codes import (
    GROUPS,
    GroupCode,
    WeightCode,
    limited_lengths,
    weight_code,
)
from meadow_py.simulator.huffman_hardware.design import HuffmanDesign, Unit
from meadow_py.simulator.huffman_hardware.retrace import HuffmanRetrace, retrace_huffman
from meadow_py.simulator.huffman_hardware.sets import accelerator
from meadow_py.simulator.huffman_hardware.streams import (
    REPARTITIONS,
    DecoderPort,
    DecoderRun,
    run_decoders,
)

__all__ = [
    "CLAIMS",
    "GROUPS",
    "MULTIPLIERS",
    "REPARTITIONS",
    "Circuits",
    "DecoderPort",
    "DecoderRun",
    "GroupCode",
    "HuffmanClaim",
    "HuffmanDesign",
    "HuffmanRetrace",
    "Unit",
    "WeightCode",
    "WeightsMeasured",
    "accelerator",
    "decoder_area",
    "lane_area",
    "limited_lengths",
    "mac_area",
    "retrace_huffman",
    "run_decoders",
    "table_bits",
    "weight_code",
]
