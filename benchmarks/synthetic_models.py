"""Models of published shapes with drawn weights, for speed: no published file is needed.

    python benchmarks/synthetic_models.py llama-3.2-1b opt-1.3b --out FOLDER

A matrix is Gaussian with a scale of its own for every row, which gives BF16 exponents the entropy
and the tails of trained ones (2.6 bits; 2 to 4 % outside the seven most frequent). What was drawn
is measured and printed. Speed does not depend on the values beyond that; text of such a model is
noise.

Written into FOLDER/<model>: `hugging_face/` (BF16), for Llama also `bf16.gguf` and `q8_0.gguf`,
for OPT `ctranslate2_int8/`. Tensors are drawn, written and forgotten one block of rows at a time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

BLOCK_VALUES = 1 << 24  # drawn at a time: 64 MB of F32
ROW_SCALE_SPREAD = 0.25  # standard deviation of the logarithm of a row's scale
SAMPLED_ROWS = 64  # of every matrix, in the printed entropy

Words = npt.NDArray[np.uint16]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """What a Hugging Face folder of it holds: the configuration and every tensor's shape."""

    config: dict[str, Any]
    tensors: dict[str, Shape] = field(repr=False)

    @property
    def weights(self) -> int:
        return sum(int(np.prod(shape)) for shape in self.tensors.values())


def llama_3_2_1b(layers: int = 16) -> Model:
    """The shapes of Llama-3.2-1B: grouped-query attention, gated MLP, tied head."""
    hidden, heads, kv_heads, head_dim, intermediate, vocab = 2048, 32, 8, 64, 8192, 128256
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "intermediate_size": intermediate,
        "vocab_size": vocab,
        "max_position_embeddings": 131072,
        "rope_theta": 500000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
    }
    layer: dict[str, Shape] = {
        "self_attn.q_proj.weight": (heads * head_dim, hidden),
        "self_attn.k_proj.weight": (kv_heads * head_dim, hidden),
        "self_attn.v_proj.weight": (kv_heads * head_dim, hidden),
        "self_attn.o_proj.weight": (hidden, heads * head_dim),
        "mlp.gate_proj.weight": (intermediate, hidden),
        "mlp.up_proj.weight": (intermediate, hidden),
        "mlp.down_proj.weight": (hidden, intermediate),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }
    tensors: dict[str, Shape] = {"model.embed_tokens.weight": (vocab, hidden)}
    for i in range(layers):
        tensors |= {f"model.layers.{i}.{name}": shape for name, shape in layer.items()}
    return Model(config, {**tensors, "model.norm.weight": (hidden,)})


def opt_1_3b(layers: int = 24) -> Model:
    """The shapes of OPT-1.3B: layer norms before attention and MLP, ReLU, learned positions."""
    hidden, heads, ffn, vocab, positions = 2048, 32, 8192, 50272, 2048
    config = {
        "architectures": ["OPTForCausalLM"],
        "model_type": "opt",
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "ffn_dim": ffn,
        "vocab_size": vocab,
        "word_embed_proj_dim": hidden,
        "max_position_embeddings": positions,
        "do_layer_norm_before": True,
        "activation_function": "relu",
        "enable_bias": True,
        "layer_norm_elementwise_affine": True,
        "tie_word_embeddings": True,
        "bos_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 1,
        "torch_dtype": "bfloat16",
    }
    layer: dict[str, Shape] = {}
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layer |= {f"self_attn.{name}.weight": (hidden, hidden), f"self_attn.{name}.bias": (hidden,)}
    layer |= {"fc1.weight": (ffn, hidden), "fc1.bias": (ffn,)}
    layer |= {"fc2.weight": (hidden, ffn), "fc2.bias": (hidden,)}
    norm: dict[str, Shape] = {"weight": (hidden,), "bias": (hidden,)}
    for name in ("self_attn_layer_norm", "final_layer_norm"):
        layer |= {f"{name}.{part}": shape for part, shape in norm.items()}
    base = "model.decoder"
    tensors: dict[str, Shape] = {
        f"{base}.embed_tokens.weight": (vocab, hidden),
        f"{base}.embed_positions.weight": (positions + 2, hidden),
        **{f"{base}.final_layer_norm.{part}": shape for part, shape in norm.items()},
    }
    for i in range(layers):
        tensors |= {f"{base}.layers.{i}.{name}": shape for name, shape in layer.items()}
    return Model(config, tensors)


MODELS = {"llama-3.2-1b": llama_3_2_1b, "opt-1.3b": opt_1_3b}


def drawn(name: str, shape: Shape) -> Iterator[Words]:
    """BF16 words of one tensor, block by block; the same for the same name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) == 1:
        middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        values = rng.normal(middle, 0.02, shape).astype(np.float32)
        yield values.astype(ml_dtypes.bfloat16).view(np.uint16)
        return
    rows, columns = shape
    step = max(1, BLOCK_VALUES // columns)
    for start in range(0, rows, step):
        count = min(step, rows - start)
        scales = 0.02 * np.exp(ROW_SCALE_SPREAD * rng.standard_normal((count, 1), np.float32))
        values = rng.standard_normal((count, columns), np.float32)
        values *= scales
        yield values.astype(ml_dtypes.bfloat16).view(np.uint16)


class Exponents:
    """Counts BF16 exponents of what goes by."""

    def __init__(self) -> None:
        self._counts = np.zeros(256, np.int64)

    def add(self, words: Words) -> None:
        self._counts += np.bincount((words.reshape(-1) >> 7) & 255, minlength=256)

    def figures(self) -> dict[str, float]:
        shares = np.sort(self._counts[self._counts > 0] / self._counts.sum())[::-1]
        return {
            "exponent_entropy_bits": round(float(-(shares * np.log2(shares)).sum()), 3),
            "outside_15_most_frequent": round(float(shares[15:].sum()), 6),
            "outside_7_most_frequent": round(float(shares[7:].sum()), 6),
        }


def write_hugging_face(model: Model, folder: Path) -> dict[str, float]:
    """config.json, a tokenizer and model.safetensors; gives the exponents' figures back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(model.config, indent=2) + "\n")
    write_tokenizer(folder, model.config["vocab_size"])
    exponents = Exponents()

    def counted(name: str, shape: Shape) -> Iterator[Words]:
        for block in drawn(name, shape):
            if block.ndim == 2:
                exponents.add(block[:SAMPLED_ROWS])
            yield block

    blocks = {name: counted(name, shape) for name, shape in model.tensors.items()}
    write_safetensors(folder / "model.safetensors", model.tensors, blocks)
    return exponents.figures()


def write_safetensors(
    path: Path, shapes: dict[str, Shape], blocks: dict[str, Iterator[Words]]
) -> None:
    """BF16 tensors in the order of `shapes`, written as they are drawn."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in shapes:
            for block in blocks[name]:
                file.write(block.tobytes())
        assert file.tell() == 8 + len(text) + end, f"{path}: blocks do not fill their shapes"


def write_tokenizer(folder: Path, vocab: int) -> None:
    """Bytes as tokens 4 to 259 behind four special ones; the rest stands for nothing."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    names = special + sorted(pre_tokenizers.ByteLevel.alphabet())
    names += [f"<{i}>" for i in range(len(names), vocab)]
    tokens = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=tokens, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def make(name: str, out: Path, layers: int | None) -> dict[str, Any]:
    """Everything of one model that its peers read; what is there already stays."""
    from gguf_files import write_llama_gguf

    model = MODELS[name](layers) if layers else MODELS[name]()
    folder = out / name
    source = folder / "hugging_face"
    about: dict[str, Any] = {"model": name, "weights": model.weights}
    figures = folder / "figures.json"
    if not figures.exists():
        figures.parent.mkdir(parents=True, exist_ok=True)
        figures.write_text(json.dumps(about | write_hugging_face(model, source)) + "\n")
    if model.config["model_type"] == "llama":
        for form in ("BF16", "Q8_0"):
            if not (folder / f"{form.lower()}.gguf").exists():
                write_llama_gguf(source, folder / f"{form.lower()}.gguf", form)
    elif not (folder / "ctranslate2_int8" / "model.bin").exists():
        script = Path(__file__).parent / "peers" / "ctranslate2_convert.py"
        command = [sys.executable, str(script), str(source), str(folder / "ctranslate2_int8")]
        if subprocess.run(command, check=False).returncode:
            print("no CTranslate2 model: its converter failed", file=sys.stderr)
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", choices=[*MODELS, "smollm2-135m"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, help="fewer than the real one has, for a trial")
    options = parser.parse_args()
    for name in options.models:
        if name == "smollm2-135m":
            from smollm2 import write_smollm2

            print(json.dumps(write_smollm2(options.out / name)))
        else:
            print(json.dumps(make(name, options.out, options.layers)), flush=True)


if __name__ == "__main__":
    main()
