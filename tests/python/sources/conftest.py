"""A real OPT of a few thousand weights, saved in every way that models are shipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import HubServer

OPT_SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "word_embed_proj_dim": 32,
    "ffn_dim": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
    "dropout": 0.0,
}


@pytest.fixture(scope="session")
def opt() -> Any:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(3)
    return transformers.OPTForCausalLM(transformers.OPTConfig(**OPT_SIZES)).eval()


@pytest.fixture(scope="session")
def opt_folders(opt: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder per way of saving: (safetensors or bin) x (one file or shards with an index)."""
    root = tmp_path_factory.mktemp("opt")
    opt.save_pretrained(root / "safetensors")
    opt.save_pretrained(root / "safetensors-sharded", max_shard_size="20KB")
    _save_bin(opt, root / "bin", shards=1)
    _save_bin(opt, root / "bin-sharded", shards=3)
    return {folder.name: folder for folder in root.iterdir()}


def _save_bin(model: Any, folder: Path, shards: int) -> None:
    """As Transformers saved it before safetensors; current releases no longer write .bin."""
    import torch

    model.config.save_pretrained(folder)
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    del state["lm_head.weight"]  # tied to the embedding, and left out of files
    if shards == 1:
        torch.save(state, folder / "pytorch_model.bin")
        return
    weight_map: dict[str, str] = {}
    for i in range(shards):
        file = f"pytorch_model-{i + 1:05}-of-{shards:05}.bin"
        part = dict(list(state.items())[i::shards])
        torch.save(part, folder / file)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub on the loopback interface, which `open_checkpoint` is pointed to."""
    from huggingface_hub import constants

    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file with plain and quantised tensors, written by the gguf package."""
    gguf = pytest.importorskip("gguf")
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    values = np.random.default_rng(5).standard_normal((4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_embedding_length(64)
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc", "def"])
    writer.add_array("llama.odd_sizes", [1, 2, 3])
    writer.add_tensor("blk.0.attn_q.weight", values)
    writer.add_tensor("blk.0.attn_k.weight", values.astype(np.float16))
    for name, kind in {"attn_v": "BF16", "ffn_up": "Q8_0", "ffn_down": "Q4_0"}.items():
        packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind])
        raw_type = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(f"blk.0.{name}.weight", packed, raw_dtype=raw_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
