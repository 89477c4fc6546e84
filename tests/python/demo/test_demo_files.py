"""The bundled model: what is in its folder, and how it opens without torch."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import numpy as np
import pytest

import meadow_py as mp
from meadow_py import demo

LIMIT = 12_000_000  # bytes, of everything that the package holds for the demo
FILES = {
    "README.md",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}
ROLES = ("attention.q", "attention.k", "attention.v", "attention.o", "mlp.up", "mlp.down")


@pytest.fixture(scope="module")
def config() -> dict:
    return json.loads((demo.folder() / "config.json").read_text(encoding="utf-8"))


def stored_names() -> list[str]:
    """Read from the header of the file itself."""
    with (demo.folder() / "model.safetensors").open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return [name for name in json.loads(file.read(size)) if name != "__metadata__"]


def test_the_folder_holds_a_whole_model_and_nothing_else() -> None:
    assert {path.name for path in demo.folder().iterdir()} == FILES


def test_it_is_small_enough_for_a_package() -> None:
    assert sum(path.stat().st_size for path in demo.folder().iterdir()) < LIMIT


def test_the_name_is_short_and_says_who_trained_it() -> None:
    assert demo.checkpoint().source == demo.NAME
    assert demo.NAME.startswith("demo: OPT trained by this project")
    assert len(demo.NAME) < 60


def test_it_is_an_opt_in_f16_as_published_ones_are() -> None:
    checkpoint = demo.checkpoint()
    assert checkpoint.format == "safetensors"
    assert checkpoint.architecture.family == "opt"
    assert not checkpoint.architecture.inferred
    shapes = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    assert shapes == checkpoint.architecture.expected_shapes()
    assert {tensor.dtype for tensor in checkpoint.tensors.values()} == {"F16"}


def test_every_layer_has_every_role(config: dict) -> None:
    weights = demo.checkpoint().weights
    width, inner = config["hidden_size"], config["ffn_dim"]
    for role in ROLES:
        of_role = [weight for weight in weights if weight.role == role]
        assert [weight.layer for weight in of_role] == list(range(config["num_hidden_layers"]))
        assert {weight.shape for weight in of_role} == {
            (inner if role == "mlp.up" else width, inner if role == "mlp.down" else width)
        }
    embeddings = [weight.shape for weight in weights if weight.role == "embedding"]
    positions = config["max_position_embeddings"] + 2
    assert sorted(embeddings) == sorted([(config["vocab_size"], width), (positions, width)])


def test_tied_embeddings_are_stored_once(config: dict) -> None:
    assert config["tie_word_embeddings"]
    assert not [name for name in stored_names() if "lm_head" in name]
    assert sorted(stored_names()) == sorted(demo.checkpoint().tensors)


def test_the_weights_are_trained_and_finite(config: dict) -> None:
    """Initialised ones have one spread everywhere: that of the configuration."""
    assert demo.checkpoint().weights
    for weight in demo.checkpoint().weights:
        values = weight.array().astype(np.float64)
        assert np.isfinite(values).all()
        assert values.std() > 1.3 * config["init_std"], weight.name


def test_the_folder_opens_as_any_other() -> None:
    by_path = mp.open_checkpoint(demo.folder())
    bundled = demo.checkpoint()
    assert list(by_path.tensors) == list(bundled.tensors)
    name = bundled.weights[0].name
    again = next(weight for weight in by_path.weights if weight.name == name)
    assert again.array().tobytes() == bundled.weights[0].array().tobytes()


def test_opening_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from meadow_py import demo; demo.checkpoint().weights[0].array();"
        "print(sorted({'torch', 'transformers', 'tokenizers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
