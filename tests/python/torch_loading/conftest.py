"""Small models of real families in every way that models are stored, and the same packed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "sources"))  # hub_server, for all that need a hub

OPT = {
    "vocab_size": 96,
    "hidden_size": 32,
    "word_embed_proj_dim": 32,
    "ffn_dim": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
}
GPT2 = {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40}
LLAMA = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 40,
}
MIXTRAL = {**LLAMA, "num_local_experts": 4}  # Transformers joins its experts while loading

# name -> family, dtype, what else the configuration says, bytes of a shard, whether saved as .bin
MODELS: dict[str, tuple[str, str, dict[str, Any], str | None, bool]] = {
    "opt-f32": ("OPT", "float32", OPT, None, False),
    "opt-bf16": ("OPT", "bfloat16", OPT, None, False),
    "opt-f16-bin": ("OPT", "float16", OPT, None, True),
    "gpt2-f16": ("GPT2", "float16", GPT2, None, False),
    "llama-bf16-tied": ("Llama", "bfloat16", {**LLAMA, "tie_word_embeddings": True}, None, False),
    "llama-f32-sharded": ("Llama", "float32", LLAMA, "20KB", False),
    "llama-bf16-bin-sharded": ("Llama", "bfloat16", LLAMA, "20KB", True),
    "mixtral-bf16-sharded": ("Mixtral", "bfloat16", MIXTRAL, "20KB", False),
}
CAUSAL = {
    "OPT": "OPTForCausalLM",
    "GPT2": "GPT2LMHeadModel",
    "Llama": "LlamaForCausalLM",
    "Mixtral": "MixtralForCausalLM",
}

Find = Callable[[str], Path]


@pytest.fixture(scope="session", autouse=True)
def _needs_transformers() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """The folder of a model of `MODELS`, as Transformers saves it."""
    root = tmp_path_factory.mktemp("dense")

    @cache
    def find(name: str) -> Path:
        save(name, root / name)
        return root / name

    return find


@pytest.fixture(scope="session")
def packed(dense: Find, tmp_path_factory: pytest.TempPathFactory) -> Find:
    """The same model packed."""
    from meadow_py.checkpoint import pack

    root = tmp_path_factory.mktemp("packed")

    @cache
    def find(name: str) -> Path:
        pack(dense(name), root / name)
        return root / name

    return find


def save(name: str, folder: Path) -> None:
    """A model of random weights."""
    import torch
    import transformers

    family, dtype, sizes, shard, as_bin = MODELS[name]
    torch.manual_seed(3)
    config = getattr(transformers, f"{family}Config")(**sizes)
    model = getattr(transformers, CAUSAL[family])(config).to(getattr(torch, dtype))
    model.save_pretrained(folder, max_shard_size=shard or "1GB")
    if as_bin:
        save_as_bin(folder)


def save_as_bin(folder: Path) -> None:
    """Each safetensors file as torch.save would have written it: current releases do no longer."""
    import torch
    from safetensors.torch import load_file

    for path in folder.glob("*.safetensors"):
        torch.save(load_file(path), folder / bin_name(path.name))
        path.unlink()
    for path in folder.glob("*.safetensors.index.json"):
        index = json.loads(path.read_text())
        index["weight_map"] = {k: bin_name(v) for k, v in index["weight_map"].items()}
        (folder / bin_name(path.name)).write_text(json.dumps(index))
        path.unlink()


def bin_name(name: str) -> str:
    return name.replace("model", "pytorch_model", 1).replace(".safetensors", ".bin")
