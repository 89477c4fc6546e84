"""Tiny models of real `transformers` classes, saved as the library saves them."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Arrays = dict[str, np.ndarray[Any, Any]]

SMALL = {"vocab_size": 96, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
WIDTHS = {**SMALL, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
GATED = {**WIDTHS, "num_key_value_heads": 2, "intermediate_size": 40}
GPT2 = {**SMALL, "n_embd": 24, "n_layer": 2, "n_head": 4, "n_positions": 16}
GPT_NEO = {
    **SMALL,
    "hidden_size": 24,
    "num_layers": 2,
    "num_heads": 4,
    "attention_types": [[["global", "local"], 1]],
    "max_position_embeddings": 16,
}
DISTILBERT = {**SMALL, "dim": 24, "n_layers": 2, "n_heads": 4, "hidden_dim": 40}
OPT = {**WIDTHS, "ffn_dim": 40, "max_position_embeddings": 16, "word_embed_proj_dim": 24}


@dataclass(frozen=True)
class Case:
    """A family, the stem of its classes in transformers, and a configuration."""

    family: str
    stem: str
    options: dict[str, Any]
    head: str = "ForCausalLM"
    config: str = ""

    @property
    def label(self) -> str:
        """Shown by pytest."""
        return f"{self.stem}{self.head}"


CASES = (
    Case("opt", "OPT", OPT),
    Case("opt", "OPT", {**OPT, "word_embed_proj_dim": 16, "do_layer_norm_before": False}),
    Case("opt", "OPT", {**OPT, "enable_bias": False, "layer_norm_elementwise_affine": False}),
    Case("opt", "OPT", OPT, "Model"),
    Case("gpt2", "GPT2", GPT2, "LMHeadModel"),
    Case("gpt2", "GPT2", {**GPT2, "n_inner": 40}, "Model"),
    Case("gpt_neo", "GPTNeo", GPT_NEO),
    Case("gpt_neox", "GPTNeoX", {**WIDTHS, "intermediate_size": 40}),
    Case("gpt_neox", "GPTNeoX", {**WIDTHS, "intermediate_size": 40, "attention_bias": False}),
    Case("llama", "Llama", GATED),
    Case("llama", "Llama", {**GATED, "attention_bias": True, "mlp_bias": True, "head_dim": 10}),
    Case("llama", "Llama", {**GATED, "tie_word_embeddings": True}),
    Case("llama", "Llama", GATED, "Model"),
    Case("mistral", "Mistral", {**GATED, "head_dim": 10}),
    Case("qwen2", "Qwen2", GATED),
    Case("qwen3", "Qwen3", {**GATED, "head_dim": 10}),
    Case("gemma", "Gemma", {**GATED, "head_dim": 10}),
    Case("gemma2", "Gemma2", {**GATED, "head_dim": 10}),
    Case("gemma3", "Gemma3", {**GATED, "head_dim": 10}, config="Gemma3TextConfig"),
    Case("phi3", "Phi3", GATED),
    Case("bert", "Bert", {**WIDTHS, "intermediate_size": 40}, "Model"),
    Case("bert", "Bert", {**WIDTHS, "intermediate_size": 40}, "ForMaskedLM"),
    Case("bert", "Bert", {**WIDTHS, "intermediate_size": 40}, "ForSequenceClassification"),
    Case("roberta", "Roberta", {**WIDTHS, "intermediate_size": 40}, "ForMaskedLM"),
    Case("distilbert", "DistilBert", DISTILBERT, "ForMaskedLM"),
)


def build(case: Case) -> Any:
    """The torch module, in evaluation mode."""
    transformers = pytest.importorskip("transformers")
    name = case.config or f"{case.stem}Config"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = getattr(transformers, name)(**case.options)
        return getattr(transformers, case.stem + case.head)(config).eval()


def save(model: Any, folder: Path) -> tuple[dict[str, Any], Arrays]:
    """Content of the written `config.json` and `model.safetensors`."""
    safetensors = pytest.importorskip("safetensors.numpy")
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    return config, safetensors.load_file(folder / "model.safetensors")


def shapes_of(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    """Shapes as `resolve` wants them."""
    return {name: array.shape for name, array in arrays.items()}
