"""Models of a few thousand weights in every form that is packed, and how folders are compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

Tree = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="session")
def tree() -> Tree:
    """All files of a folder: name -> bytes."""

    def files(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    return files


def weights(seed: int, layers: int = 2) -> dict[str, np.ndarray]:
    """OPT's names, several dtypes."""
    random = np.random.default_rng(seed)
    shapes = {"self_attn.q_proj": (64, 48), "fc1": (96, 48), "fc2": (48, 96)}
    kinds = (ml_dtypes.bfloat16, np.float16, np.float32)
    made = {
        f"model.decoder.layers.{layer}.{part}.weight": random.standard_normal(shape)
        for layer in range(layers)
        for part, shape in shapes.items()
    }
    made = {name: array.astype(kinds[n % 3]) for n, (name, array) in enumerate(made.items())}
    norms = {
        f"model.decoder.layers.{layer}.final_layer_norm.weight": np.ones(48, np.float16)
        for layer in range(layers)
    }
    return made | norms


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Transformers saves it, with what lies beside weights."""
    folder = tmp_path_factory.mktemp("plain") / "model"
    folder.mkdir()
    save_file(weights(1), folder / "model.safetensors", metadata={"format": "pt"})
    config = {"model_type": "opt", "architectures": ["OPTForCausalLM"], "torch_dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    (folder / "README.md").write_text("# A model\n")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "assets").mkdir()
    (folder / "assets/config.json").write_text("{ }")
    return folder


@pytest.fixture(scope="session")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards and their index."""
    folder = tmp_path_factory.mktemp("sharded") / "model"
    folder.mkdir()
    weight_map: dict[str, str] = {}
    for n in range(3):
        file = f"model-{n + 1:05}-of-00003.safetensors"
        part = {name.replace("layers.", f"layers.{n}"): a for name, a in weights(n).items()}
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"model_type": "opt"}')
    return folder
