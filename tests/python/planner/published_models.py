"""Shapes of models whose speed was published, from their config.json."""

from __future__ import annotations

from meadow_py.workload import ModelShape


def shape(
    name: str,
    layers: int,
    hidden: int,
    heads: tuple[int, int, int],
    mlp: int,
    vocab: int,
    tied: bool,
) -> ModelShape:
    """`heads`: query heads, key and value heads, width of a head."""
    return ModelShape(
        name=name,
        family="llama",
        layers=layers,
        hidden=hidden,
        heads=heads[0],
        kv_heads=heads[1],
        head_dim=heads[2],
        intermediate=mlp,
        vocab=vocab,
        gated=True,
        tied=tied,
    )


LLAMA_8B = shape("Llama-3.1-8B", 32, 4096, (32, 8, 128), 14336, 128256, False)
LLAMA_3B = shape("Llama-3.2-3B", 28, 3072, (24, 8, 128), 8192, 128256, True)
QWEN_7B = shape("Qwen2.5-7B", 28, 3584, (28, 4, 128), 18944, 152064, False)
GEMMA_2B = shape("Gemma-2-2B", 26, 2304, (8, 4, 256), 9216, 256000, True)
SMOLLM_1B = shape("SmolLM2-1.7B", 24, 2048, (32, 32, 64), 8192, 49152, True)
