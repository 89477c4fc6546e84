"""Trained models, packed and loaded: the same text as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from same_model import assert_same, text

from meadow_py import demo
from meadow_py.checkpoint import pack

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

import meadow_py.torch  # noqa: E402, F401 - the line that users write


def load(folder: Path, **words: Any) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(folder, **words)


def assert_tells_the_same(source: Path, folder: Path) -> None:
    pack(source, folder)
    found, expected = load(folder), load(source)
    assert_same(found, expected)
    said = text(found)
    assert said == text(expected)
    assert len(set(said)) > 4
    size = sum(path.stat().st_size for path in folder.glob("*.meadow.safetensors"))
    assert size < sum(path.stat().st_size for path in source.glob("*.safetensors"))


def test_the_bundled_model(tmp_path: Path) -> None:
    assert_tells_the_same(demo.folder(), tmp_path / "packed")


def test_its_tokenizer_comes_along(tmp_path: Path) -> None:
    pack(demo.folder(), tmp_path / "packed")
    pipeline = transformers.pipeline("text-generation", model=str(tmp_path / "packed"))
    said = pipeline("= The ", max_new_tokens=12, do_sample=False)[0]["generated_text"]
    dense = transformers.pipeline("text-generation", model=str(demo.folder()))
    assert said == dense("= The ", max_new_tokens=12, do_sample=False)[0]["generated_text"]
    assert len(said) > len("= The ")


def test_a_llama_that_tells_stories(shared_data: Path, tmp_path: Path) -> None:
    assert_tells_the_same(shared_data / "weights" / "stories260K", tmp_path / "packed")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_same_in_half_the_bits(dtype: Any, shared_data: Path, tmp_path: Path) -> None:
    load(shared_data / "weights" / "stories260K", dtype=dtype).save_pretrained(tmp_path / "half")
    assert_tells_the_same(tmp_path / "half", tmp_path / "packed")
