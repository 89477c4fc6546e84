"""Huffman decoders in front of an accelerator, modelled on Huff-LLM (arXiv 2502.00922)."""

from __future__ import annotations

from meadow_py.names import homes_in, moved
from meadow_py.simulator.huffman_hardware.area import (
    MULTIPLIERS,
    Circuits,
    decoder_area,
    lane_area,
    mac_area,
    table_bits,
)
from meadow_py.simulator.huffman_hardware.codes import (
    GROUPS,
    GroupCode,
    WeightCode,
    limited_lengths,
    weight_code,
)
from meadow_py.simulator.huffman_hardware.design import HuffmanDesign, Unit
from meadow_py.simulator.huffman_hardware.streams import (
    REPARTITIONS,
    DecoderPort,
    DecoderRun,
    run_decoders,
)

__all__ = [
    "GROUPS",
    "MULTIPLIERS",
    "REPARTITIONS",
    "Circuits",
    "DecoderPort",
    "DecoderRun",
    "GroupCode",
    "HuffmanDesign",
    "Unit",
    "WeightCode",
    "decoder_area",
    "lane_area",
    "limited_lengths",
    "mac_area",
    "run_decoders",
    "table_bits",
    "weight_code",
]

__getattr__ = moved(
    __name__,
    homes_in(
        "meadow_py.claims.huff_llm",
        (
            "CLAIMS",
            "HuffmanClaim",
            "HuffmanRetrace",
            "WeightsMeasured",
            "accelerator",
            "retrace_huffman",
        ),
    ),
)
