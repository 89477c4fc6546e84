"""A Llama of a Hugging Face folder as GGUF, so that llama.cpp runs the very same weights.

Names, the order of rows of q and k, and the rotary factors are those of llama.cpp's
`convert_hf_to_gguf.py`; vectors are F32, as there.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint16]

BLOCK_ROWS = 4096
# GGUF's own 32 puts 64-byte loads of a mapped tensor across two cache lines, which cost
# llama.cpp a fifth of its speed on AVX-512: a peer is shown at its best.
ALIGNMENT = 64
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OTHER_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}


def gguf_name(name: str) -> str:
    """`model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight` there."""
    stem = name.removesuffix(".weight")
    if stem in OTHER_NAMES:
        return OTHER_NAMES[stem] + ".weight"
    layer, part = stem.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{LAYER_NAMES[part]}.weight"


def hugging_face_name(name: str) -> str:
    """The other way round."""
    stem = name.removesuffix(".weight")
    for theirs, ours in OTHER_NAMES.items():
        if stem == ours:
            return theirs + ".weight"
    _, layer, part = stem.split(".", 2)
    back = {ours: theirs for theirs, ours in LAYER_NAMES.items()}
    return f"model.layers.{layer}.{back[part]}.weight"


def read_safetensors(path: Path) -> dict[str, Words]:
    """BF16 tensors as words of a memory map."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    data = np.memmap(path, np.uint8, "r", 8 + size)
    header.pop("__metadata__", None)
    found: dict[str, Words] = {}
    for name, entry in header.items():
        assert entry["dtype"] == "BF16", f"{path}: {name} is {entry['dtype']}"
        begin, end = entry["data_offsets"]
        found[name] = data[begin:end].view(np.uint16).reshape(entry["shape"])
    return found


def interleaved(words: Words, heads: int) -> Words:
    """Rows of every head from halves (Hugging Face) to pairs (llama.cpp)."""
    rows, columns = words.shape
    pairs = words.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2)
    return np.ascontiguousarray(pairs).reshape(rows, columns)


def halves(values: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """And back."""
    rows, columns = values.shape
    pairs = values.reshape(heads, rows // heads // 2, 2, -1).swapaxes(1, 2)
    return np.ascontiguousarray(pairs).reshape(rows, columns)


def to_float(words: Words) -> npt.NDArray[np.float32]:
    return (words.astype(np.uint32) << 16).view(np.float32)


def rotary_factors(config: dict[str, Any]) -> npt.NDArray[np.float32] | None:
    """Divisors of the rotary frequencies under Llama 3's scaling, [head_dim / 2]."""
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") != "llama3":
        return None
    base, dim, factor = config["rope_theta"], config["head_dim"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    context = scaling["original_max_position_embeddings"]
    factors = []
    for i in range(0, dim, 2):
        wavelength = 2 * math.pi * base ** (i / dim)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, np.float32)


def write_llama_gguf(folder: Path, path: Path, form: str) -> None:
    """`form` is BF16 or Q8_0. Written beside, then renamed: a broken run leaves no half file."""
    import gguf

    config = json.loads((folder / "config.json").read_text())
    tensors = read_safetensors(folder / "model.safetensors")
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_custom_alignment(ALIGNMENT)
    describe(writer, config)
    add_byte_vocabulary(writer, config["vocab_size"])
    write_tensors(writer, config, tensors, form)
    part.rename(path)


def describe(writer: Any, config: dict[str, Any]) -> None:
    writer.add_name("synthetic")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])


def add_byte_vocabulary(writer: Any, vocab: int) -> None:
    """The least that loads: SentencePiece with bytes and names that stand for nothing."""
    import gguf

    kinds = gguf.TokenType
    names = ["<s>", "<pad>", "</s>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    types = [kinds.CONTROL] * 3 + [kinds.UNKNOWN] + [kinds.BYTE] * 256
    fill = range(len(names), vocab)
    names += [f"<{i}>" for i in fill]
    types += [kinds.UNUSED] * len(fill)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores([0.0] * vocab)
    writer.add_token_types([int(kind) for kind in types])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(3)


def write_tensors(
    writer: Any, config: dict[str, Any], tensors: dict[str, Words], form: str
) -> None:
    """What the file holds of them, in turn: header first, no tensor kept."""
    import gguf

    kind = gguf.GGMLQuantizationType[form]
    factors = rotary_factors(config)
    if factors is not None:
        writer.add_tensor_info(
            "rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes, None
        )
    for name, words in tensors.items():
        if words.ndim == 1:
            about = (words.shape, np.dtype(np.float32), 4 * words.size)
            writer.add_tensor_info(gguf_name(name), *about)
            continue
        stored_shape = gguf.quants.quant_shape_to_byte_shape(words.shape, kind)
        nbytes = int(np.prod(stored_shape))
        writer.add_tensor_info(gguf_name(name), stored_shape, np.dtype(np.uint8), nbytes, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    if factors is not None:
        writer.write_tensor_data(factors)
    for name, words in tensors.items():
        writer.write_tensor_data(stored(name, words, config, form))
    writer.close()


def stored(name: str, words: Words, config: dict[str, Any], form: str) -> npt.NDArray[Any]:
    """One tensor as the file holds it."""
    if words.ndim == 1:
        return to_float(words)
    if name.endswith("q_proj.weight"):
        words = interleaved(words, config["num_attention_heads"])
    elif name.endswith("k_proj.weight"):
        words = interleaved(words, config["num_key_value_heads"])
    return np.ascontiguousarray(words).view(np.uint8) if form == "BF16" else q8_0(words)


def q8_0(words: Words) -> npt.NDArray[np.uint8]:
    """Blocks of 32: an F16 scale, then codes; a block of rows at a time."""
    import gguf

    kind = gguf.GGMLQuantizationType.Q8_0
    out = np.empty((words.shape[0], words.shape[1] // 32 * 34), np.uint8)
    for start in range(0, words.shape[0], BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        out[rows] = gguf.quants.quantize(to_float(words[rows]), kind)
    return out
