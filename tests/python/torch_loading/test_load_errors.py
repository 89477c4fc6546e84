"""Packed folders that something is wrong with: one clear error, and no model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meadow_py.checkpoint import pack
from meadow_py.errors import FormatError

if TYPE_CHECKING:
    from conftest import Find

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

import meadow_py.torch  # noqa: E402 - after what it needs

SHARDED = "llama-f32-sharded"


@pytest.fixture
def folder(packed: Find, tmp_path: Path) -> Path:
    """A copy of a sharded packed model that may be damaged."""
    return Path(shutil.copytree(packed(SHARDED), tmp_path / "damaged"))


def load(folder: Path, **words: Any) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(folder, **words)


def edit(path: Path, **entries: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def shard(folder: Path, number: int) -> Path:
    return sorted(folder.glob("model-*.meadow.safetensors"))[number]


def damage(path: Path) -> str:
    """Flip a byte in the middle of the blob of a tensor; the name of the tensor."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    names = [name for name in header if not name.startswith("__")]
    name = max(names, key=lambda name: header[name]["shape"][0])
    begin, end = header[name]["data_offsets"]
    data[8 + size + begin + (end - begin) // 2] ^= 0x10
    path.write_bytes(data)
    return name


@pytest.mark.parametrize("number", [0, -1])
def test_a_flipped_bit_names_file_and_tensor(number: int, folder: Path) -> None:
    path = shard(folder, number)
    name = damage(path)
    for act in (load, meadow_py.torch.load_state_dict):
        with pytest.raises(FormatError) as caught:
            act(folder)
        assert path.name in str(caught.value)
        assert repr(name) in str(caught.value)


def test_a_truncated_file(folder: Path) -> None:
    path = shard(folder, 1)
    path.write_bytes(path.read_bytes()[:-64])
    for act in (load, meadow_py.torch.load_state_dict):
        with pytest.raises(FormatError, match=path.name):
            act(folder)


def test_a_shard_of_another_model(folder: Path, tmp_path: Path) -> None:
    """Of the same name and whole, but not the one that was packed with the others."""
    other = transformers.LlamaForCausalLM(transformers.AutoConfig.from_pretrained(folder))
    other.config.__dict__.pop("quantization_config")
    other.save_pretrained(tmp_path / "other", max_shard_size="20KB")
    pack(tmp_path / "other", tmp_path / "packed")
    shutil.copy(shard(tmp_path / "packed", 1), shard(folder, 1))
    with pytest.raises(FormatError, match=shard(folder, 1).name):
        load(folder)


def test_no_manifest(folder: Path) -> None:
    (folder / "meadow.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"damaged: meadow\.json, .* is missing.*again"):
        load(folder)


def test_a_missing_shard(folder: Path) -> None:
    path = shard(folder, 1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path.name}, which holds model-00002"):
        load(folder)


@pytest.mark.parametrize("version", [3, "1", None])
def test_another_version_in_the_configuration(version: Any, folder: Path) -> None:
    edit(
        folder / "config.json",
        quantization_config={"quant_method": "meadow", "version": version},
    )
    with pytest.raises(FormatError, match=r"config\.json: packed .*version.*update meadow_py"):
        load(folder)


def test_an_edited_manifest(folder: Path) -> None:
    edit(folder / "meadow.json", version=2)
    with pytest.raises(FormatError, match=r"meadow\.json"):
        load(folder)


def test_another_quantiser_is_asked_for(folder: Path) -> None:
    config = transformers.BitsAndBytesConfig(load_in_8bit=True)
    with pytest.raises(ValueError, match="MeadowConfig"):
        load(folder, quantization_config=config)


def test_a_variant_that_was_not_packed(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"looked for model\.fp16\.safetensors and"):
        load(folder, variant="fp16")


def test_safetensors_are_wanted_of_a_bin(packed: Find) -> None:
    match = r"looked for model\.safetensors, in.*the packed files are"
    with pytest.raises(FileNotFoundError, match=match):
        load(packed("opt-f16-bin"), use_safetensors=True)


def test_a_model_that_was_quantised_before(dense: Find, tmp_path: Path) -> None:
    source = Path(shutil.copytree(dense("opt-bf16"), tmp_path / "source"))
    edit(source / "config.json", quantization_config={"quant_method": "fp8"})
    pack(source, tmp_path / "packed")
    with pytest.raises(ValueError, match=r"quantised itself \(fp8\).*meadow unpack"):
        load(tmp_path / "packed")


def test_swapped_tensors(tmp_path: Path) -> None:
    """Two tensors of equal size in each other's place: Transformers refuses the first it reads."""
    from meadow_py import demo

    folder = tmp_path / "swapped"
    pack(demo.folder(), folder, codec="raw")
    path = folder / "model.meadow.safetensors"
    data = bytearray(path.read_bytes())
    size = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:size])
    names = [f"model.decoder.layers.{n}.self_attn.q_proj.weight" for n in (0, 1)]
    a, b = (slice(*(size + at for at in header[name]["data_offsets"])) for name in names)
    data[a], data[b] = data[b], data[a]
    path.write_bytes(data)
    with pytest.raises(FormatError, match=rf"tensor '({'|'.join(names)})'"):
        load(folder)
