"""Packed folders through Transformers' own from_pretrained: the dense model comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from same_model import assert_same, assert_same_tensors, text

from meadow_py.checkpoint import pack

if TYPE_CHECKING:
    from conftest import Find

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

import meadow_py.torch  # noqa: E402, F401 - the line that users write

NAMES = [
    "opt-f32",
    "opt-bf16",
    "opt-f16-bin",
    "gpt2-f16",
    "llama-bf16-tied",
    "llama-f32-sharded",
    "llama-bf16-bin-sharded",
    "mixtral-bf16-sharded",
]
CLASSES = ["AutoModelForCausalLM", "AutoModel", "AutoModelForSequenceClassification"]


def load(kind: str, folder: Path, **words: Any) -> Any:
    """A model; what is not in the files (a new head) is drawn with the same seed."""
    torch.manual_seed(11)
    return getattr(transformers, kind).from_pretrained(folder, **words)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", NAMES)
def test_every_bit_is_that_of_the_dense_load(
    name: str, kind: str, dense: Find, packed: Find
) -> None:
    assert_same(load(kind, packed(name)), load(kind, dense(name)))


@pytest.mark.parametrize("name", NAMES)
def test_it_writes_the_same_text(name: str, dense: Find, packed: Find) -> None:
    kind = CLASSES[0]
    made = text(load(kind, packed(name)))
    assert made == text(load(kind, dense(name)))
    assert len(made) == 24


@pytest.mark.parametrize(
    "words",
    [
        {"dtype": "auto"},
        {"dtype": "float16"},
        {"dtype": torch.float32},
        {"torch_dtype": torch.bfloat16},
        {"low_cpu_mem_usage": True},
        {"use_safetensors": True},
        {"output_hidden_states": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", CLASSES[:2])
@pytest.mark.parametrize("name", ["opt-bf16", "llama-f32-sharded", "mixtral-bf16-sharded"])
def test_arguments_mean_what_they_mean(
    name: str, kind: str, words: dict[str, Any], dense: Find, packed: Find
) -> None:
    assert_same(load(kind, packed(name), **words), load(kind, dense(name), **words))


@pytest.mark.parametrize("name", ["opt-bf16", "gpt2-f16", "llama-bf16-bin-sharded"])
def test_dtype_is_found_in_the_files_where_the_configuration_has_none(
    name: str, dense: Find, packed: Find
) -> None:
    def without_dtype(folder: Path) -> Any:
        config = transformers.AutoConfig.from_pretrained(folder)
        config.dtype = None
        return load(CLASSES[0], folder, config=config)

    made = without_dtype(packed(name))
    assert_same(made, without_dtype(dense(name)))
    assert made.dtype == getattr(torch, {"f16": "float16"}.get(name.split("-")[1], "bfloat16"))


def test_of_mixed_dtypes_the_same_one_is_chosen(dense: Find, tmp_path: Path) -> None:
    """The first by name; in the file, the widest come first."""
    source = tmp_path / "source"
    model = load(CLASSES[0], dense("opt-bf16"))
    model.model.decoder.layers[1].float()
    model.save_pretrained(source)
    config = json.loads((source / "config.json").read_text())
    del config["dtype"]
    (source / "config.json").write_text(json.dumps(config))
    pack(source, tmp_path / "packed")
    found = load(CLASSES[0], tmp_path / "packed")
    assert_same(found, load(CLASSES[0], source))
    assert found.dtype == torch.bfloat16


def test_a_class_of_one_family_loads_too(dense: Find, packed: Find) -> None:
    kind = "LlamaForCausalLM"
    name = "llama-bf16-tied"
    assert_same(load(kind, str(packed(name))), load(kind, str(dense(name))))


def test_what_was_missing_or_left_over_is_reported_alike(dense: Find, packed: Find) -> None:
    reports = [
        load(CLASSES[2], find("llama-f32-sharded"), output_loading_info=True)[1]
        for find in (packed, dense)
    ]
    assert reports[0] == reports[1]
    assert set(reports[0]["missing_keys"]) == {"score.weight"}


def test_other_models_load_as_ever(dense: Find, packed: Find, tmp_path: Path) -> None:
    load(CLASSES[0], packed("opt-f32"))
    made = load(CLASSES[0], dense("opt-f16-bin"))
    made.save_pretrained(tmp_path)
    assert_same(load(CLASSES[0], tmp_path), made)


@pytest.mark.parametrize("where", ["cpu", "auto"])
def test_device_map(where: str, dense: Find, packed: Find) -> None:
    pytest.importorskip("accelerate", reason="Transformers places models with accelerate")
    name = "llama-f32-sharded"
    words = {"device_map": where}
    assert_same(load(CLASSES[0], packed(name), **words), load(CLASSES[0], dense(name), **words))


def test_layers_on_disk(dense: Find, packed: Find, tmp_path: Path) -> None:
    """Of unpacked safetensors these are read where they are; of packed ones, a copy is written."""
    pytest.importorskip("accelerate", reason="Transformers places models with accelerate")
    name, given = "llama-f32-sharded", torch.tensor([[2, 17, 5]])
    places = {"model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.norm": "cpu"}
    places |= {"lm_head": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk"}
    words = {"device_map": places, "offload_folder": str(tmp_path)}
    found = load(CLASSES[0], packed(name), **words)
    assert any(parameter.is_meta for parameter in found.parameters())
    assert torch.equal(found(given).logits, load(CLASSES[0], dense(name))(given).logits)


def test_variant(dense: Find, tmp_path: Path) -> None:
    source = tmp_path / "source"
    load(CLASSES[0], dense("opt-f32")).save_pretrained(source)
    half = load(CLASSES[0], dense("opt-bf16"))
    half.save_pretrained(source, variant="half", max_shard_size="20KB")
    pack(source, tmp_path / "packed")
    for words in ({}, {"variant": "half"}):
        found = load(CLASSES[0], tmp_path / "packed", **words)
        assert_same(found, load(CLASSES[0], source, **words))


@pytest.mark.parametrize("shard", ["1GB", "20KB"])
def test_weights_that_the_configuration_names(shard: str, dense: Find, tmp_path: Path) -> None:
    source = tmp_path / "source"
    load(CLASSES[0], dense("opt-bf16")).save_pretrained(source, max_shard_size=shard)
    index = ".index.json" if shard == "20KB" else ""
    (source / f"model.safetensors{index}").rename(source / f"other.safetensors{index}")
    config = json.loads((source / "config.json").read_text())
    config["transformers_weights"] = f"other.safetensors{index}"
    (source / "config.json").write_text(json.dumps(config))
    pack(source, tmp_path / "packed")
    assert_same(load(CLASSES[0], tmp_path / "packed"), load(CLASSES[0], source))


def test_a_model_in_a_folder_of_a_model(dense: Find, packed: Find, tmp_path: Path) -> None:
    shutil.copytree(packed("llama-f32-sharded"), tmp_path / "inner")
    found = load(CLASSES[0], tmp_path, subfolder="inner")
    assert_same(found, load(CLASSES[0], dense("llama-f32-sharded")))


def test_two_names_of_one_storage_that_the_model_does_not_tie(dense: Find, tmp_path: Path) -> None:
    """torch.save writes such a storage once; without its second name the head would be random."""
    source = tmp_path / "source"
    shutil.copytree(dense("llama-f32-sharded"), source, ignore=shutil.ignore_patterns("model*"))
    state = load(CLASSES[0], dense("llama-f32-sharded")).state_dict()
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    torch.save(state, source / "pytorch_model.bin")
    pack(source, tmp_path / "packed")
    found, report = load(CLASSES[0], tmp_path / "packed", output_loading_info=True)
    assert not report["missing_keys"]
    assert torch.equal(found.lm_head.weight, state["lm_head.weight"])
    expected = load(CLASSES[0], source).named_parameters(remove_duplicate=False)
    assert_same_tensors(dict(found.named_parameters()), dict(expected))


def test_parts_of_one_storage(dense: Find, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(dense("gpt2-f16"), source, ignore=shutil.ignore_patterns("model*"))
    state = load(CLASSES[0], dense("gpt2-f16")).state_dict()
    del state["lm_head.weight"]
    halves = [f"transformer.h.{n}.attn.c_attn.weight" for n in (0, 1)]
    state |= zip(halves, torch.cat([state[name] for name in halves]).chunk(2), strict=True)
    name = "transformer.h.0.mlp.c_fc.weight"
    state[name] = state[name].t().contiguous().t()  # column after column
    torch.save(state, source / "pytorch_model.bin")
    pack(source, tmp_path / "packed")
    assert_same(load(CLASSES[0], tmp_path / "packed"), load(CLASSES[0], source))
