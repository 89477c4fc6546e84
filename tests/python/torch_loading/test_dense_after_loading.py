"""Once loaded, nothing of a packed model is left: it trains, casts and saves as dense ones do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from same_model import assert_same

from meadow_py.checkpoint import pack

if TYPE_CHECKING:
    from conftest import Find

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

import meadow_py.torch  # noqa: E402, F401 - the line that users write


@pytest.fixture
def model(packed: Find) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(packed("llama-f32-sharded"))


def test_it_is_not_called_quantised(model: Any) -> None:
    assert not getattr(model, "is_quantized", False)
    for name in ("hf_quantizer", "quantization_method"):
        assert not hasattr(model, name)
    for name in ("quantization_config", "transformers_weights"):
        assert not hasattr(model.config, name)


def test_it_casts(model: Any) -> None:
    assert model.half().dtype == torch.float16
    assert model.to(torch.bfloat16).dtype == torch.bfloat16
    assert model.float().dtype == torch.float32


def test_it_trains(model: Any) -> None:
    given = torch.tensor([[1, 2, 3, 4, 5, 6]])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = torch.optim.SGD(model.train().parameters(), lr=0.5)
    losses = []
    for _ in range(4):
        loss = model(given, labels=given).loss
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert all(moved)


def test_training_does_not_write_into_the_files(packed: Find) -> None:
    """Weights that packing stores as they are must not be views of the mapped file."""
    folder = packed("opt-f32")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    again = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert not torch.equal(
        model.model.decoder.layers[0].fc1.weight, again.model.decoder.layers[0].fc1.weight
    )
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_saved_it_is_an_ordinary_folder(model: Any, dense: Find, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())
    assert not list(tmp_path.glob("*meadow*"))
    saved = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert_same(
        saved, transformers.AutoModelForCausalLM.from_pretrained(dense("llama-f32-sharded"))
    )


def saved_weights(loaded_from: Path, kind: str, target: Path, **words: Any) -> dict[str, bytes]:
    """The weight files, and the list of what is in which, of a model that was loaded and saved."""
    made = getattr(transformers, kind).from_pretrained(loaded_from, **words)
    made.save_pretrained(target, max_shard_size="20KB")
    return {path.name: path.read_bytes() for path in target.glob("model*")}


@pytest.mark.parametrize("kind", ["AutoModelForCausalLM", "AutoModel"])
@pytest.mark.parametrize("name", ["mixtral-bf16-sharded", "llama-f32-sharded", "gpt2-f16"])
def test_saved_it_has_the_files_of_the_dense_model(
    name: str, kind: str, dense: Find, packed: Find, tmp_path: Path
) -> None:
    """Also where loading merged tensors (Mixtral's experts) or dropped a prefix (AutoModel)."""
    found = saved_weights(packed(name), kind, tmp_path / "packed")
    expected = saved_weights(dense(name), kind, tmp_path / "dense")
    assert "model.safetensors.index.json" in expected
    assert found == expected


def test_saved_experts_are_apart_again(packed: Find, tmp_path: Path) -> None:
    name = "mixtral-bf16-sharded"
    saved_weights(packed(name), "AutoModelForCausalLM", tmp_path)
    listed = json.loads((tmp_path / "model.safetensors.index.json").read_text())["weight_map"]
    assert "model.layers.1.block_sparse_moe.experts.3.w2.weight" in listed


def test_tensors_that_the_caller_renamed_are_saved_under_their_old_names(
    dense: Find, tmp_path: Path
) -> None:
    source, name = tmp_path / "source", "model.blocks.0.mlp.up_proj.weight"
    source.mkdir()
    state = transformers.AutoModelForCausalLM.from_pretrained(dense("llama-f32-sharded"))
    renamed = {key.replace("layers", "blocks"): value for key, value in state.state_dict().items()}
    safetensors_torch.save_file(renamed, source / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(dense("llama-f32-sharded") / "config.json", source)
    pack(source, tmp_path / "packed")
    words = {"key_mapping": {r"^model\.blocks": "model.layers"}}
    kind = "AutoModelForCausalLM"
    expected = saved_weights(source, kind, tmp_path / "from-dense", **words)
    found = saved_weights(tmp_path / "packed", kind, tmp_path / "from-packed", **words)
    assert name in json.loads(expected["model.safetensors.index.json"])["weight_map"]
    assert found == expected
