"""Small random models of every class that the engine runs, saved as transformers saves them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

SMALL = {"vocab_size": 101, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
PLACES = {"max_position_embeddings": 256}
WIDTHS = {**SMALL, **PLACES, "hidden_size": 36, "num_hidden_layers": 3, "num_attention_heads": 6}
GATED = {**WIDTHS, "num_key_value_heads": 2, "intermediate_size": 52}
OPT = {**WIDTHS, "ffn_dim": 52}
GPT2 = {**SMALL, "n_embd": 36, "n_layer": 3, "n_head": 6, "n_positions": 256}
GPT_NEO = {
    **SMALL,
    **PLACES,
    "hidden_size": 36,
    "num_layers": 3,
    "num_heads": 6,
    "attention_types": [[["global", "local"], 1], [["local"], 1]],
    "window_size": 7,
}
NEOX = {**WIDTHS, "intermediate_size": 52, "num_attention_heads": 3}
GEMMA = {**GATED, "head_dim": 10}
WINDOW = {"sliding_window": 7}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 500.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
    "beta_fast": 4.0,
}
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 500.0,
    "short_factor": [1.0, 1.1, 1.3],
    "long_factor": [2.0, 3.0, 4.0],
}
LAYER_TYPES = ["sliding_attention", "full_attention", "sliding_attention"]


@dataclass(frozen=True)
class Case:
    """A class of transformers, and a configuration of it."""

    label: str
    stem: str
    options: dict[str, Any]
    head: str = "ForCausalLM"
    config: str = ""
    generated: int = 200


def rope(**options: Any) -> dict[str, Any]:
    """Rotary settings as transformers 5 has them."""
    return {"rope_parameters": options}


CASES = (
    Case("opt", "OPT", OPT),
    Case(
        "opt-350m",
        "OPT",
        {**OPT, "word_embed_proj_dim": 20, "do_layer_norm_before": False},
    ),
    Case("opt-plain", "OPT", {**OPT, "enable_bias": False, "layer_norm_elementwise_affine": False}),
    Case("opt-gelu", "OPT", {**OPT, "activation_function": "gelu", "tie_word_embeddings": False}),
    Case("opt-removed", "OPT", {**OPT, "_remove_final_layer_norm": True}),
    Case("gpt2", "GPT2", GPT2, "LMHeadModel"),
    Case("gpt2-inner", "GPT2", {**GPT2, "n_inner": 52, "scale_attn_weights": False}, "LMHeadModel"),
    Case("gpt-neo", "GPTNeo", GPT_NEO),
    Case("gpt-neox", "GPTNeoX", {**NEOX, **rope(rope_theta=500.0, partial_rotary_factor=0.5)}),
    Case(
        "gpt-neox-serial",
        "GPTNeoX",
        {**NEOX, "use_parallel_residual": False, "attention_bias": False, **rope()}
        | {"rope_parameters": {"rope_theta": 500.0, "partial_rotary_factor": 1.0}},
    ),
    Case("llama", "Llama", GATED),
    Case(
        "llama-biased",
        "Llama",
        {**GATED, "attention_bias": True, "mlp_bias": True, "head_dim": 10},
    ),
    Case("llama-tied", "Llama", {**GATED, "tie_word_embeddings": True, "num_key_value_heads": 6}),
    Case("llama-linear", "Llama", {**GATED, **rope(rope_type="linear", factor=4.0)}),
    Case("llama-dynamic", "Llama", {**GATED, **rope(rope_type="dynamic", factor=4.0)}),
    Case("llama-3", "Llama", {**GATED, **rope(**LLAMA3)}),
    Case("llama-yarn", "Llama", {**GATED, "head_dim": 16, **rope(**YARN)}),
    Case("mistral", "Mistral", {**GATED, **WINDOW, "head_dim": 10}),
    Case("mistral-full", "Mistral", {**GATED, "sliding_window": None}),
    Case("qwen2", "Qwen2", GATED),
    Case(
        "qwen2-sliding",
        "Qwen2",
        {**GATED, **WINDOW, "use_sliding_window": True, "max_window_layers": 1},
    ),
    Case("qwen3", "Qwen3", {**GATED, "head_dim": 10}),
    Case("phi3", "Phi3", {**GATED, **WINDOW}),
    Case(
        "phi3-long",
        "Phi3",
        {**GATED, "original_max_position_embeddings": 250, **rope(**LONGROPE)},
        generated=200,
    ),
    Case("gemma", "Gemma", GEMMA),
    Case("gemma-2", "Gemma2", {**GEMMA, **WINDOW, "query_pre_attn_scalar": 24}),
    Case(
        "gemma-2-uncapped",
        "Gemma2",
        {**GEMMA, **WINDOW, "attn_logit_softcapping": None, "final_logit_softcapping": None},
    ),
    Case(
        "gemma-3",
        "Gemma3",
        {**GEMMA, **WINDOW, "layer_types": LAYER_TYPES, "query_pre_attn_scalar": 24},
        config="Gemma3TextConfig",
    ),
)

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


def build(case: Case, seed: int = 0) -> Any:
    """The torch module in float32, every parameter drawn anew: norms and biases are not trivial."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    name = case.config or f"{case.stem}Config"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = getattr(transformers, name)(**case.options)
        model = getattr(transformers, case.stem + case.head)(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            spread = 0.3 if parameter.ndim == 1 else 1.5 * parameter.shape[-1] ** -0.5
            drawn = torch.randn(parameter.shape, generator=generator) * spread
            is_weight_of_norm = parameter.ndim == 1 and bool((parameter == 1).all())
            parameter.copy_(drawn + 1 if is_weight_of_norm else drawn)
    return model


def save(case: Case, folder: Path) -> Any:
    """Save such a model, and give it back."""
    model = build(case)
    model.save_pretrained(folder)
    return model


def prompt(vocab: int, length: int = 40) -> list[int]:
    """Tokens without a pattern."""
    return [int(token) for token in np.random.default_rng(7).integers(3, vocab, length)]


def logits_of(model: Any, tokens: list[int]) -> npt.NDArray[np.float32]:
    """``[tokens, vocab]`` by transformers."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        found: npt.NDArray[np.float32] = model(torch.tensor([tokens])).logits[0].float().numpy()
    return found
