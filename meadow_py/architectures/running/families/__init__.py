"""The families that the engine runs, by our names of them."""

from __future__ import annotations

from collections.abc import Callable

from meadow_py.architectures.dimensions import Config
from meadow_py.architectures.running.families.gemma import gemma, gemma2, gemma3
from meadow_py.architectures.running.families.gpt import gpt2, gpt_neo
from meadow_py.architectures.running.families.gpt_neox import gpt_neox
from meadow_py.architectures.running.families.llama import llama, mistral, phi3, qwen2, qwen3
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
