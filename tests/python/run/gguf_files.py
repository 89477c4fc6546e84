"""Small models as GGUF files: what llama.cpp's converter does to each family's tensors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]

ARCHITECTURES = {
    "Llama": "llama",
    "Qwen2": "qwen2",
    "Qwen3": "qwen3",
    "Phi3": "phi3",
    "Gemma": "gemma",
    "Gemma2": "gemma2",
    "Gemma3": "gemma3",
    "GPT2": "gpt2",
    "GPTNeoX": "gptneox",
}


def write_gguf(model: Any, stem: str, path: Path, dtype: str = "F32") -> Path:
    """Write a transformers model; matrices in `dtype` (F32, F16, BF16, Q8_0), vectors in F32."""
    gguf = pytest.importorskip("gguf")
    architecture = ARCHITECTURES[stem]
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    _write_metadata(writer, architecture, config)
    number = next(n for n, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, config.num_hidden_layers)
    kind = gguf.GGMLQuantizationType[dtype]
    for name, values in _tensors(model, architecture):
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert stored is not None, name
        if values.ndim == 2 and dtype != "F32":
            quantised = gguf.quants.quantize(values, kind)
            writer.add_tensor(stored, quantised, raw_dtype=kind)
        else:
            writer.add_tensor(stored, values)
    _write_divisors(writer, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_metadata(writer: Any, architecture: str, config: Any) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    if architecture == "gpt2":
        writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_feed_forward_length(config.intermediate_size)
    _write_attention(writer, architecture, config)


def _write_attention(writer: Any, architecture: str, config: Any) -> None:
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(rope["rope_theta"])
    if architecture == "gptneox":
        writer.add_layer_norm_eps(config.layer_norm_eps)
        writer.add_parallel_residual(config.use_parallel_residual)
        writer.add_rope_dimension_count(int(width * rope["partial_rotary_factor"]))
        return
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(pytest.importorskip("gguf").RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if getattr(config, "sliding_window", None):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "gemma3":
        writer.add_sliding_window_pattern([t == "sliding_attention" for t in config.layer_types])


def _write_divisors(writer: Any, config: Any) -> None:
    """Of llama3 scaling: what the plain frequencies are divided by."""
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "llama3":
        return
    wave = 2 * np.pi * rope["rope_theta"] ** (np.arange(0, config.head_dim, 2) / config.head_dim)
    turns = rope["original_max_position_embeddings"] / wave
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    divisors = 1 / ((1 - smooth) / rope["factor"] + smooth)
    writer.add_tensor("rope_freqs.weight", divisors.astype(np.float32))


def _tensors(model: Any, architecture: str) -> Iterator[tuple[str, Array]]:
    config = model.config
    tied = config.tie_word_embeddings
    for name, tensor in model.state_dict().items():
        values = tensor.float().numpy()
        if name == "lm_head.weight" and tied:
            continue
        if architecture == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            values = _permuted(values, heads)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            values = values + 1
        if architecture == "gpt2" and values.ndim == 2 and ".h." in name:
            values = values.T
        if architecture == "gptneox" and "query_key_value" in name:
            values = _gathered(values, config.num_attention_heads)
        is_head = architecture == "gptneox" and name == "lm_head.weight"
        yield "embed_out.weight" if is_head else name, np.ascontiguousarray(values)


def _permuted(values: Array, heads: int) -> Array:
    """`LlamaModel.permute` of llama.cpp's converter."""
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _gathered(values: Array, heads: int) -> Array:
    """All queries, all keys, all values, from q, k, v of each head."""
    by_head = values.reshape(heads, 3, -1, *values.shape[1:])
    return by_head.swapaxes(0, 1).reshape(values.shape)
