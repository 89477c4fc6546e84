"""Shapes read from configurations, folders, modules and published models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import meadow_py as mp
from meadow_py import demo, workload

_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "opt-125m": ("OPTConfig", {}),
    "gpt2": ("GPT2Config", {}),
    "opt-350m": (
        "OPTConfig",
        {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "ffn_dim": 4096,
            "num_attention_heads": 16,
            "word_embed_proj_dim": 512,
            "do_layer_norm_before": False,
        },
    ),
    "llama-3.2-1b": (
        "LlamaConfig",
        {
            "hidden_size": 2048,
            "num_hidden_layers": 16,
            "intermediate_size": 8192,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 128256,
            "max_position_embeddings": 131072,
            "tie_word_embeddings": True,
        },
    ),
    "qwen2.5-0.5b": (
        "Qwen2Config",
        {
            "hidden_size": 896,
            "num_hidden_layers": 24,
            "intermediate_size": 4864,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "vocab_size": 151936,
            "tie_word_embeddings": True,
        },
    ),
}
_SAME = (
    "layers",
    "hidden",
    "heads",
    "kv_heads",
    "head_dim",
    "intermediate",
    "vocab",
    "gated",
    "tied",
    "encoder",
    "embedding_width",
)


@pytest.mark.parametrize("name", _CONFIGS)
def test_bundled_shapes_are_those_of_transformers(name: str) -> None:
    transformers = pytest.importorskip("transformers")
    kind, changes = _CONFIGS[name]
    config = getattr(transformers, kind)(**changes).to_dict()
    found, expected = workload.shape_of(config), workload.shape_of(name)
    assert {key: getattr(found, key) for key in _SAME} == {
        key: getattr(expected, key) for key in _SAME
    }


@pytest.mark.parametrize("kind", ["OPT", "GPT2", "Llama", "Qwen2", "Gemma2", "GPTNeoX", "Mistral"])
def test_weights_of_a_real_class(kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    sizes |= {"vocab_size": 40, "word_embed_proj_dim": 32}
    sizes |= {"GPT2": {"n_inner": 48}, "OPT": {"ffn_dim": 48}}.get(kind, {"intermediate_size": 48})
    if kind not in {"OPT", "GPT2", "GPTNeoX"}:
        sizes |= {"num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}
    config = getattr(transformers, f"{kind}Config")(**sizes)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    shape = workload.shape_of(config.to_dict())
    made = workload.of(shape, tokens=1)
    blocks = sum(p.numel() for n, p in model.named_parameters() if p.dim() == 2 and _in_a_block(n))
    assert shape.decoder_weights == blocks
    assert made.total("weights") == blocks + shape.vocab * shape.hidden


def _in_a_block(name: str) -> bool:
    return any(part.isdigit() for part in name.split("."))


@pytest.mark.parametrize(("kind", "tokens"), [("ViT", 197), ("DeiT", 198)])
def test_image_encoders(kind: str, tokens: int) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    config = getattr(transformers, f"{kind}Config")(num_labels=1000)
    with torch.device("meta"):
        model = getattr(transformers, f"{kind}ForImageClassification")(config)
    shape = workload.shape_of(config.to_dict())
    assert (shape.fixed_tokens, shape.vocab, shape.encoder) == (tokens, 1000, True)
    held = sum(
        p.numel() for n, p in model.named_parameters() if n.endswith("weight") and p.dim() > 1
    )
    assert workload.of(shape, tokens=tokens).total("weights") == held


def test_a_folder_without_weights(tmp_path: Path) -> None:
    config = {
        "model_type": "opt",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "ffn_dim": 3072,
        "vocab_size": 50272,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    for model in (tmp_path, str(tmp_path / "config.json"), config):
        assert workload.shape_of(model).decoder_weights == 84_934_656


def test_a_loaded_model_and_its_checkpoint() -> None:
    with mp.load(demo.folder()) as model:
        loaded = workload.shape_of(model)
    assert (
        loaded.decoder_weights
        == workload.shape_of(mp.open_checkpoint(model.source)).decoder_weights
    )


def test_every_bundled_shape_reads() -> None:
    assert {"opt-125m", "opt-6.7b", "deit-s", "smollm2-135m", "tinyllama-1.1b"} <= set(
        workload.names()
    )
    for name in workload.names():
        shape = workload.shape_of(name.upper())
        assert shape.name == name
        assert shape.source


def test_windows_are_read() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.MistralConfig(sliding_window=100, num_hidden_layers=2).to_dict()
    shape = workload.shape_of(config)
    assert shape.windows == (100, 100)
    assert (
        workload.of(shape, tokens=1, context=500).total("kv_read") == 2 * 2 * 100 * shape.kv_width
    )


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    experts = {"model_type": "mixtral", "num_local_experts": 8, "hidden_size": 64}
    with pytest.raises(ValueError, match="mixtures of experts"):
        workload.shape_of(experts)
    with pytest.raises(ValueError, match="layers, "):
        workload.shape_of({"model_type": "opt"})
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(mp.FormatError, match="JSON object"):
        workload.shape_of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(mp.FormatError, match="JSON object"):
        workload.shape_of(tmp_path / "config.json")
    with pytest.raises(FileNotFoundError):
        workload.shape_of(tmp_path / "nothing.safetensors")
    with pytest.raises(ValueError, match="kv_heads"):
        workload.ModelShape(
            name="odd",
            family="llama",
            layers=1,
            hidden=8,
            heads=4,
            kv_heads=3,
            head_dim=2,
            intermediate=4,
            vocab=4,
            gated=False,
            tied=False,
        )
