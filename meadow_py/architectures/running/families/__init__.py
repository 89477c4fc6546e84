"""The families that the engine runs, by our names of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.families.gemma import (
    gemma,
    gemma2,
    gemma2_windows,
    gemma3,
    gemma3_windows,
    gemma_windows,
)
from meadow_py.architectures.running.families.gpt import gpt2, gpt_neo, neo_windows
from meadow_py.architectures.running.families.gpt_neox import gpt_neox
from meadow_py.architectures.running.families.llama import (
    llama,
    llama_windows,
    mistral,
    mistral_windows,
    phi3,
    phi3_windows,
    qwen2,
    qwen3,
    qwen_windows,
)
from meadow_py.architectures.running.families.opt import opt
from meadow_py.architectures.running.running import Running, Sizes

DESCRIBE: dict[str, Callable[[Config, Sizes, bool], Running]] = {
    "opt": opt,
    "gpt2": gpt2,
    "gpt_neo": gpt_neo,
    "gpt_neox": gpt_neox,
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "phi3": phi3,
    "gemma": gemma,
    "gemma2": gemma2,
    "gemma3": gemma3,
}

# The sliding window of each layer, 0 for the whole context; families without windows are left out.
WINDOWS: dict[str, Callable[[Config, int], Sequence[int]]] = {
    "gpt_neo": neo_windows,
    "llama": llama_windows,
    "mistral": mistral_windows,
    "qwen2": qwen_windows,
    "qwen3": qwen_windows,
    "phi3": phi3_windows,
    "gemma": gemma_windows,
    "gemma2": gemma2_windows,
    "gemma3": gemma3_windows,
}
