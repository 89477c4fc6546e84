"""Models and files that are the same bytes on every machine, made without torch."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FAMILIES: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("families.json").read_text(encoding="utf-8")
)
LAYERS = 3  # of every model in families.json
_CARD = (
    "---\nlicense: apache-2.0\n---\n\n# A model\n"  # so that words of the demo's card may change
)
_GGUF_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "BF16": 30}


def noise(name: str, *shape: int) -> npt.NDArray[np.float32]:
    """Numbers of nearly normal distribution and variance 1 that depend on nothing but the name.

    Each is a sum of four bytes of SHAKE-256, so no library's generator is needed.
    """
    count = int(np.prod(shape))
    raw = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * count), np.uint8)
    sums = raw.reshape(count, 4).astype(np.int32).sum(axis=1) - 510
    made: npt.NDArray[np.float32] = (sums.astype(np.float32) / np.float32(147.8)).reshape(shape)
    return made


def whole_numbers(name: str, low: int, high: int, *shape: int) -> npt.NDArray[np.int64]:
    """Whole numbers from `low` to `high` - 1, by the same means."""
    count = int(np.prod(shape))
    raw = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * count), "<u4")
    return (low + raw.astype(np.int64) % (high - low)).reshape(shape)


def bf16(values: Array) -> npt.NDArray[np.uint16]:
    """The upper halves of float32 values, which is BF16 cut off."""
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def stored(values: Array, dtype: str) -> bytes:
    """The bytes of float32 values in F32, F16 or BF16."""
    if dtype == "BF16":
        return bf16(values).tobytes()
    return values.astype("<f4" if dtype == "F32" else "<f2").tobytes()


def write_safetensors(path: Path, tensors: Mapping[str, tuple[str, list[int], bytes]]) -> Path:
    """Write tensors of given dtypes, shapes and bytes."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name, (dtype, shape, raw) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + len(raw)]}
        begin += len(raw)
    spelled = json.dumps(head, separators=(",", ":")).encode()
    spelled += b" " * (-len(spelled) % 8)
    path.write_bytes(
        struct.pack("<Q", len(spelled)) + spelled + b"".join(raw for _, _, raw in tensors.values())
    )
    return path


def family_tensors(label: str) -> dict[str, npt.NDArray[np.float32]]:
    """Values of all tensors of a tiny model; norms are near 1, biases small."""
    made = {}
    for pattern, shape in FAMILIES[label]["tensors"].items():
        for layer in range(LAYERS if "{}" in pattern else 1):
            name = pattern.replace("{}", str(layer))
            drawn = noise(f"{label} {name}", *shape)
            is_norm = len(shape) == 1 and name.endswith("weight")
            scale = np.float32(0.3 if len(shape) == 1 else 1.5 / shape[-1] ** 0.5)
            made[name] = drawn * scale + np.float32(is_norm)
    return made


def write_family(label: str, folder: Path, dtype: str = "F32") -> Path:
    """Write a tiny model as a Transformers folder."""
    folder.mkdir()
    tensors = {
        name: (dtype, list(values.shape), stored(values, dtype))
        for name, values in family_tensors(label).items()
    }
    write_safetensors(folder / "model.safetensors", tensors)
    config = json.dumps(FAMILIES[label]["config"], indent=2)
    (folder / "config.json").write_text(config, encoding="utf-8")
    return folder


def write_sharded(folder: Path, source: Path) -> Path:
    """Write the BF16 Llama in two files and an index."""
    folder.mkdir()
    tensors = family_tensors("llama")
    names = sorted(tensors)
    where: dict[str, str] = {}
    for part, chosen in enumerate((names[:14], names[14:]), 1):
        file = f"model-0000{part}-of-00002.safetensors"
        write_safetensors(
            folder / file,
            {n: ("BF16", list(tensors[n].shape), stored(tensors[n], "BF16")) for n in chosen},
        )
        where |= dict.fromkeys(chosen, file)
    index = json.dumps({"metadata": {"total_size": 1}, "weight_map": where}, indent=2)
    (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    shutil.copy(source / "config.json", folder / "config.json")
    return folder


def write_mixed(path: Path) -> Path:
    """Write one tensor of every stored dtype, and the odd ones: empty, constant, repeated."""
    tensors: dict[str, tuple[str, list[int], bytes]] = {}
    for dtype in ("F32", "F16", "BF16"):
        tensors[f"float.{dtype}"] = (dtype, [40, 96], stored(noise(dtype, 40, 96), dtype))
    wide = noise("F32 of BF16", 40, 96)
    cut = (bf16(wide).astype("<u4") << 16).astype("<u4").tobytes()
    tensors["float.F32_of_BF16"] = ("F32", [40, 96], cut)
    tensors["float.F64"] = ("F64", [10, 9], noise("F64", 10, 9).astype("<f8").tobytes())
    for dtype, spelled in (("I8", "<i1"), ("I16", "<i2"), ("I32", "<i4"), ("I64", "<i8")):
        values = whole_numbers(dtype, -90, 90, 17, 30).astype(spelled)
        tensors[f"whole.{dtype}"] = (dtype, [17, 30], values.tobytes())
    for dtype in ("U8", "F8_E4M3", "F8_E5M2"):
        values = whole_numbers(dtype, 0, 120, 17, 30).astype("<u1")
        tensors[f"byte.{dtype}"] = (dtype, [17, 30], values.tobytes())
    flags = whole_numbers("flags", 0, 2, 9, 9).astype("<u1").tobytes()
    tensors["flags"] = ("BOOL", [9, 9], flags)
    tensors["scalar"] = ("F32", [], struct.pack("<f", 0.5))
    tensors["empty"] = ("F32", [0, 7], b"")
    tensors["constant"] = ("F16", [64, 64], stored(np.full((64, 64), 0.25, np.float32), "F16"))
    tensors["copy"] = tensors["float.BF16"]
    return write_safetensors(path, tensors)


def _gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _gguf_value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _gguf_text(value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    return struct.pack("<If", 6, value)


def _q8_0(values: Array) -> bytes:
    """Blocks of 32: an F16 scale and 32 bytes."""
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1) / np.float32(127)).astype("<f2")
    codes = np.rint(blocks / scales.astype(np.float32)[:, None]).astype("<i1")
    return b"".join(s.tobytes() + c.tobytes() for s, c in zip(scales, codes, strict=True))


def write_gguf(path: Path, dtype: str = "F16") -> Path:
    """Write a tiny Llama as llama.cpp's converter spells it, matrices in `dtype`."""
    hidden, inner, vocab, heads, layers = 64, 96, 101, 4, 2
    metadata = {
        "general.architecture": "llama", "general.name": "tiny", "llama.block_count": layers,
        "llama.context_length": 128, "llama.embedding_length": hidden,
        "llama.feed_forward_length": inner, "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": heads, "llama.vocab_size": vocab,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 500.0,
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocab, hidden),
        "output.weight": (vocab, hidden),
        "output_norm.weight": (hidden,),
    }
    for layer in range(layers):
        block = f"blk.{layer}."
        shapes |= {f"{block}attn_{one}.weight": (hidden, hidden) for one in "qkv"}
        shapes |= {f"{block}attn_output.weight": (hidden, hidden)}
        shapes |= {f"{block}{one}_norm.weight": (hidden,) for one in ("attn", "ffn")}
        shapes |= {f"{block}ffn_{one}.weight": (inner, hidden) for one in ("gate", "up")}
        shapes |= {f"{block}ffn_down.weight": (hidden, inner)}
    head, body = b"", b""
    for name, shape in shapes.items():
        kind = "F32" if len(shape) == 1 else dtype
        values = noise(f"gguf {name}", *shape) * np.float32(0.2) + np.float32(len(shape) == 1)
        raw = _q8_0(values) if kind == "Q8_0" else stored(values, kind)
        head += _gguf_text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", _GGUF_TYPES[kind], len(body))
        body += raw + bytes(-len(raw) % 32)
    keys = b"".join(_gguf_text(key) + _gguf_value(value) for key, value in metadata.items())
    start = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(metadata)) + keys + head
    path.write_bytes(start + bytes(-len(start) % 32) + body)
    return path


def write_all(folder: Path) -> None:
    """Write every input into an empty folder."""
    from meadow_py import demo

    shutil.copytree(demo.folder(), folder / "demo")
    (folder / "demo" / "README.md").write_text(_CARD, encoding="utf-8")
    for label in FAMILIES:
        write_family(label, folder / label)
    tiny = write_family("llama", folder / "tiny", "BF16")
    write_family("qwen2", folder / "tiny-f16", "F16")
    write_sharded(folder / "sharded", tiny)
    write_mixed(folder / "mixed.safetensors")
    for dtype in ("F32", "F16", "BF16", "Q8_0"):
        write_gguf(folder / f"tiny-{dtype}.gguf", dtype)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
