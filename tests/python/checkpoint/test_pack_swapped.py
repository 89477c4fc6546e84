"""Tensors whose bytes stand in each other's place are refused by name, however they are read."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import defaultdict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from packed_forge import Forge
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py import FormatError, demo

FILE = "model.meadow.safetensors"


def swap(path: Path, first: str, second: str) -> None:
    """Exchange the bytes of two tensors of a packed file; everything else stays as it is."""
    raw = bytearray(path.read_bytes())
    begin = 8 + int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8:begin])
    a, b = (
        slice(*(begin + offset for offset in entries[name]["data_offsets"]))
        for name in (first, second)
    )
    assert raw[a] != raw[b]
    raw[a], raw[b] = raw[b], raw[a]
    path.write_bytes(raw)


def pairs(path: Path) -> list[tuple[str, str]]:
    """Every tensor of equal size beside the next such one, where their bytes differ."""
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    forge = Forge(path)
    for region in forge.table["regions"]:
        key = tuple(str(region[word]) for word in ("dtype", "shape", "codec", "bytes"))
        groups[key].append(region["name"])
    return [
        (a, b)
        for names in groups.values()
        for a, b in itertools.pairwise(names)
        if forge.stored[a] != forge.stored[b]
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model whose coded tensors of one shape have one size."""
    folder = tmp_path_factory.mktemp("swapped") / "packed"
    mp.pack(demo.folder(), folder, codec="raw")
    return folder


def test_every_pair_of_equal_size(model: Path, tmp_path: Path) -> None:
    found = pairs(model / FILE)
    assert len(found) > 20
    for n, (a, b) in enumerate(found):
        folder = tmp_path / str(n)
        shutil.copytree(model, folder)
        swap(folder / FILE, a, b)
        named = f"tensor '({a}|{b})'"
        with pytest.raises(FormatError, match=named):
            mp.inspect(folder)
        with mp.open_checkpoint(folder) as opened:
            for name in (a, b):
                with pytest.raises(FormatError, match=f"tensor '{name}'"):
                    opened.tensors[name].raw()
        with pytest.raises(FormatError, match=named):
            mp.unpack(folder, tmp_path / "out")
        shutil.rmtree(folder)


def test_a_model_with_swapped_tensors_does_not_generate(model: Path, tmp_path: Path) -> None:
    a, b = next(pair for pair in pairs(model / FILE) if "proj.weight" in pair[0])
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    swap(folder / FILE, a, b)
    with pytest.raises(FormatError, match=f"tensor '({a}|{b})'"):
        mp.load(folder)


def test_version_1_compares_what_is_decoded(model: Path, tmp_path: Path) -> None:
    forge, path = Forge(model / FILE), tmp_path / "one.safetensors"
    forge.metadata["version"] = "1"
    del forge.metadata["data_sha256"]
    for region in forge.table["regions"]:
        region.pop("head_crc32", None)
    forge.write(path)
    assert mp.verify(path).versions == (1,)
    a, b = next(pair for pair in pairs(path) if "proj.weight" in pair[0])
    swap(path, a, b)
    with mp.open_checkpoint(path) as opened, pytest.raises(FormatError, match=f"tensor '{a}'"):
        opened.tensors[a].raw()


@pytest.fixture
def planes(tmp_path: Path) -> Path:
    """Two matrices in planes of one size, without escapes."""
    random = np.random.default_rng(3)
    made = {
        name: random.uniform(0.25, 1, (192, 256)).astype(ml_dtypes.bfloat16) for name in ("a", "b")
    }
    save_file(made, tmp_path / "plain.safetensors")
    mp.pack(tmp_path / "plain.safetensors", tmp_path / "packed.safetensors", codec="planes")
    assert [tensor.codec for tensor in mp.inspect(tmp_path / "packed.safetensors").tensors] == [
        "planes",
        "planes",
    ]
    return tmp_path / "packed.safetensors"


def test_the_head_of_mapped_planes_is_compared(planes: Path) -> None:
    swap(planes, "a", "b")
    with mp.open_checkpoint(planes) as opened:
        map_planes = opened.tensors["a"].planes
        assert map_planes is not None
        with pytest.raises(FormatError, match=r"tensor 'a': the head of its blob has CRC-32"):
            map_planes()


def test_the_body_of_mapped_planes_is_compared_by_verify(planes: Path) -> None:
    raw = bytearray(planes.read_bytes())
    region = next(r for r in Forge(planes).table["regions"] if r["name"] == "b")
    begin = 8 + int.from_bytes(raw[:8], "little")
    end = begin + json.loads(raw[8:begin])["b"]["data_offsets"][0] + region["bytes"]
    raw[end - 1] ^= 1
    planes.write_bytes(raw)
    with mp.open_checkpoint(planes) as opened:
        map_planes = opened.tensors["b"].planes
        assert map_planes is not None
        map_planes()
        with pytest.raises(FormatError, match="tensor 'b'"):
            opened.tensors["b"].raw()
    with pytest.raises(FormatError, match="tensor 'b'"):
        mp.verify(planes)


def test_a_digest_fixes_every_byte(model: Path, tmp_path: Path) -> None:
    """A model forged with checksums that fit has another digest."""
    digest = mp.verify(model).sha256
    assert digest == mp.inspect(model).sha256
    mp.verify(model, sha256=digest.upper())
    with pytest.raises(FormatError, match=f"its digest is {digest}, expected {'0' * 64}"):
        mp.verify(model, sha256="0" * 64)
    with pytest.raises(ValueError, match="sha256 must be 64 hexadecimal digits, not 'abc'"):
        mp.verify(model, sha256="abc")
    single, forged = model / FILE, tmp_path / "forged.safetensors"
    own = mp.verify(single).sha256
    forge = Forge(single)
    name = next(r["name"] for r in forge.table["regions"] if r["codec"] == "stored")
    forge.stored[name] = bytes([forge.stored[name][0] ^ 1]) + forge.stored[name][1:]
    forge.write(forged)
    with pytest.raises(FormatError, match="not the expected model"):
        mp.verify(forged, sha256=own)


def test_the_digest_of_coded_bytes_is_compared(model: Path, tmp_path: Path) -> None:
    forge, path = Forge(model / FILE), tmp_path / "other.safetensors"
    forge.write(path, data_sha256="1" * 64)
    with pytest.raises(FormatError, match=f"its coded bytes have SHA-256 .*, expected {'1' * 64}"):
        mp.verify(path)
