"""Packed files made to harm: right checksums, wrong claims."""

from __future__ import annotations

import json
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from packed_forge import Forge, forge_manifest
from safetensors.numpy import save_file

import meadow_py as mp
from meadow_py.checkpoint.format.layout import REST
from meadow_py.checkpoint.format.manifest import check_tree
from meadow_py.errors import FormatError


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    random = np.random.default_rng(2)
    values = {"a": random.standard_normal((40, 64)).astype(np.float32), "b": np.zeros(3, np.int8)}
    save_file(values, tmp_path / "model.safetensors")
    mp.pack(tmp_path / "model.safetensors", tmp_path / "p.safetensors")
    return tmp_path / "p.safetensors"


def refuse(path: Path, match: str) -> None:
    tracemalloc.start()
    try:
        for ask in (mp.verify, mp.inspect, mp.open_checkpoint):
            with pytest.raises(FormatError, match=match):
                ask(path)
        with pytest.raises(FormatError, match=match):
            mp.unpack(path, path.parent / "out")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert not (path.parent / "out").exists()


def test_the_forge_forges(packed: Path) -> None:
    Forge(packed).write(packed)
    mp.verify(packed)


Change = Callable[[Forge], Any]

METADATA: dict[str, tuple[Change, str]] = {
    "newer": (lambda f: f.metadata.update(version="3"), "version 3, this library reads 1 to 2"),
    "no number": (lambda f: f.metadata.update(version="one"), "names no version"),
    "huge size": (lambda f: f.metadata.update(source_size=str(2**62)), "source_size is '46"),
    "larger": (lambda f: f.metadata.update(source_size="99999"), "B, but the original has 99999"),
    "negative size": (lambda f: f.metadata.update(source_size="-1"), "source_size is '-1'"),
    "endless size": (lambda f: f.metadata.update(source_size="9" * 5000), "source_size is '9"),
    "up": (
        lambda f: f.metadata.update(source="../evil"),
        "expected the name of a file within the folder",
    ),
    "absolute": (
        lambda f: f.metadata.update(source="/etc/evil"),
        "expected the name of a file within",
    ),
    "drive": (lambda f: f.metadata.update(source="c:evil"), "expected the name of a file within"),
    "backslash": (
        lambda f: f.metadata.update(source="..\\evil"),
        "expected the name of a file within",
    ),
    "empty name": (lambda f: f.metadata.update(source=""), "expected the name of a file within"),
    "NUL": (lambda f: f.metadata.update(source="a\0b"), "expected the name of a file within"),
}


@pytest.mark.parametrize("kind", sorted(METADATA))
def test_metadata(kind: str, packed: Path) -> None:
    forge = Forge(packed)
    change, match = METADATA[kind]
    change(forge)
    forge.write(packed)
    refuse(packed, match)


def first(forge: Forge) -> dict[str, Any]:
    return dict(forge.table["regions"][0])


def view(**claims: Any) -> Change:
    made = {"name": "v", **claims, "offset": 0, "strides": [1]}
    return lambda f: f.table.update(views=[made])


def region(**changes: Any) -> Change:
    return lambda f: f.table["regions"][0].update(changes)


TABLE: dict[str, tuple[Change, str]] = {
    "huge length": (region(length=2**50), r"regions\[0\].length: expected 10240 B"),
    "negative offset": (region(offset=-1), r"regions\[0\].offset must be a number at least 0"),
    "length is text": (region(length="5"), "length must be an integer, not '5'"),
    "outside": (region(offset=2**40), "overlaps another, or the end"),
    "shape too large": (region(shape=[2**40, 2**40]), "has the shape"),
    "too many dimensions": (region(shape=[1] * 99), "has the shape"),
    "shape no list": (region(shape=7), "shape must be a list, not 7"),
    "blob larger than stored": (region(bytes=10**9), "has .* B, expected"),
    "no blob": (region(bytes=0), "in 0 B"),
    "CRC of text": (region(crc32="0"), "crc32 must be an integer"),
    "lone surrogate": (region(name="\ud800"), "name: expected text without lone surrogates"),
    "taken name": (region(name="b", stored="a"), "'b' appears twice"),
    "stored large": (
        region(codec="stored", bytes=10240, length=10240, head_crc32=None),
        "has .* B, expected",
    ),
    "head without checksum": (region(head_crc32=None), "head_crc32: 'a' must have one exactly"),
    "stored shorter": (region(codec="stored"), "is stored as"),
    "missing blob": (region(stored="nothing"), "'nothing' is missing"),
    "blob of another": (region(stored="b"), "'b' appears twice|expected"),
    "flag": (region(tensor=1), "tensor must be true or false, not 1"),
    "twice": (lambda f: f.table["regions"].append(first(f)), "'a' appears twice"),
    "no regions": (lambda f: f.table.pop("regions"), "must have the key 'regions'"),
    "regions no list": (lambda f: f.table.update(regions=3), "corrupt table of regions"),
    "region no object": (lambda f: f.table["regions"].insert(0, 5), "corrupt table of regions"),
    "format": (lambda f: f.table.update(format="exe"), "format must be one of .*, not 'exe'"),
    "rest coding": (
        lambda f: f.table["rest"].update(codec="lzma"),
        "rest.codec must be one of raw, zstd, not 'lzma'",
    ),
    "rest too long": (lambda f: f.table["rest"].update(length=2**40), "rest of .*made to harm"),
    "surplus tensor": (
        lambda f: f.stored.update(more=b"x" * 64),
        "expected the blobs in the order of their regions",
    ),
    "view outside": (
        view(dtype="F32", shape=[2**20], region=0),
        r"views\[0\]: 'v' ends after the end",
    ),
    "view of nothing": (
        view(dtype="F32", shape=[1], region=9),
        "must lie in a region",
    ),
    "view of other dtype": (
        view(dtype="F16", shape=[1], region=0),
        "must lie in a region of its dtype",
    ),
}


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_table(kind: str, packed: Path) -> None:
    forge = Forge(packed)
    change, match = TABLE[kind]
    change(forge)
    forge.write(packed)
    refuse(packed, match)


def test_a_blob_of_another_size(packed: Path) -> None:
    """The table says that a tensor is shorter than its blob decodes to."""
    forge = Forge(packed)
    forge.table["regions"][0].update(length=4096, shape=[16, 64])
    forge.metadata["source_size"] = str(int(forge.metadata["source_size"]) - 10240 + 4096)
    for entry in forge.table["regions"][1:]:
        entry["offset"] -= 10240 - 4096
    forge.write(packed)
    with pytest.raises(FormatError, match="tensor 'a': its blob holds 10240 B, expected 4096"):
        mp.verify(packed)
    with mp.open_checkpoint(packed) as checkpoint, pytest.raises(FormatError, match="its blob"):
        checkpoint.tensors["a"].raw()


def test_another_original(packed: Path) -> None:
    """All is consistent, but the SHA-256 of the original."""
    forge = Forge(packed)
    forge.metadata["source_sha256"] = "0" * 64
    forge.write(packed)
    with pytest.raises(FormatError, match="the decoded bytes have SHA-256"):
        mp.verify(packed)
    with pytest.raises(FormatError, match="the decoded bytes have SHA-256"):
        mp.unpack(packed, packed.parent / "out")
    assert not (packed.parent / "out").exists()


def with_rest(packed: Path, frame: bytes, length: int) -> None:
    forge = Forge(packed)
    old = forge.table["rest"]["length"]
    forge.stored[REST] = frame
    forge.table["rest"].update(bytes=len(frame), length=length, crc32=zlib.crc32(frame))
    for entry in forge.table["regions"]:
        entry["offset"] += length - old
    forge.metadata["source_size"] = str(int(forge.metadata["source_size"]) + length - old)
    forge.write(packed)


def test_bombs(packed: Path) -> None:
    content = packed.read_bytes()
    with_rest(packed, zstandard.compress(bytes(1 << 27), 19), 1 << 27)  # more than is allowed
    refuse(packed, "made to harm")
    packed.write_bytes(content)
    with_rest(packed, zstandard.compress(bytes(1 << 24), 19), 1 << 10)  # more than it says
    with pytest.raises(FormatError, match="the rest claims 16777216 B, but the regions leave 1024"):
        mp.verify(packed)
    packed.write_bytes(content)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 24))
    with_rest(packed, unsized, 1 << 10)
    with pytest.raises(FormatError, match="the rest claims"):
        mp.verify(packed)
    packed.write_bytes(content)
    with_rest(packed, zstandard.compress(bytes(1000)) + b"more", 1000)
    with pytest.raises(FormatError, match="the rest is corrupt"):
        mp.verify(packed)
    packed.write_bytes(content)
    with_rest(packed, b"no frame at all", 1000)
    with pytest.raises(FormatError, match="the rest"):
        mp.verify(packed)


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    mp.pack(plain, tmp_path / "packed")
    return tmp_path / "packed"


def packed_entry(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["packed"][0].update(changes)


def carried_entry(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["carried"][0].update(changes)


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "newer": (lambda d: d.update(version=3), "version 3, this library reads 1 to 2: update"),
    "no version": (lambda d: d.pop("version"), "not the manifest"),
    "other format": (lambda d: d.update(format="zip"), "not the manifest"),
    "packed outside": (
        packed_entry(name="../model.meadow.safetensors"),
        "expected the name of a file",
    ),
    "packed absolute": (packed_entry(name="/etc/passwd"), "expected the name of a file"),
    "source outside": (packed_entry(source="../../evil"), "expected the name of a file"),
    "source absolute": (packed_entry(source="/evil"), "expected the name of a file"),
    "source twice": (packed_entry(source="README.md"), "'README.md' appears twice"),
    "source in a file": (
        packed_entry(source="README.md/x"),
        "would be in .README.md., which is a file",
    ),
    "other source": (packed_entry(source="other.safetensors"), "not the file of this folder"),
    "carried outside": (carried_entry(source="../evil"), "expected the name of a file"),
    "carried from outside": (carried_entry(name="../../etc/passwd"), "expected the name of a file"),
    "carried manifest": (carried_entry(name="meadow.json"), "'meadow.json' appears twice"),
    "size of text": (carried_entry(size="1"), r"damaged manifest: carried\[0\].size"),
    "no checksum": (carried_entry(sha256="zz"), r"carried\[0\].sha256: expected 64 hex"),
    "no packed files": (lambda d: d.update(packed=[]), "no packed files"),
    "packed no list": (lambda d: d.update(packed=5), "damaged manifest"),
    "other tensors": (packed_entry(tensors=["x"]), "not the file of this folder: tensors"),
    "other original": (packed_entry(source_sha256="0" * 64), "not the file of this folder"),
    "name no text": (packed_entry(name=5), r"packed\[0\].name must be text, not 5"),
}


@pytest.mark.parametrize("kind", sorted(MANIFESTS))
def test_manifests(kind: str, folder: Path) -> None:
    change, match = MANIFESTS[kind]
    forge_manifest(folder, change)
    for ask in (mp.verify, mp.inspect, mp.open_checkpoint):
        with pytest.raises(FormatError, match=match):
            ask(folder)
    with pytest.raises(FormatError, match=match):
        mp.unpack(folder, folder.parent / "out")
    assert {path.name for path in folder.parent.iterdir()} <= {"packed", ".out.meadow-partial"}


def test_a_link_in_the_packed_folder_cannot_lead_out(folder: Path, tmp_path: Path) -> None:
    """What is carried back is compared first, so a link to a secret does not copy it."""
    (tmp_path / "secret").write_text("# A model\n"[::-1])
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(tmp_path / "secret")
    with pytest.raises(FormatError, match="corrupt or edited"):
        mp.unpack(folder, tmp_path / "out")


def test_deeply_nested_json(folder: Path) -> None:
    (folder / "meadow.json").write_text("[" * 100_000)
    with pytest.raises(FormatError, match="not valid JSON"):
        mp.inspect(folder)
    (folder / "meadow.json").write_text(json.dumps([]))
    with pytest.raises(FormatError, match="expected a JSON object"):
        mp.inspect(folder)


def builtin_calls(names: list[str]) -> int:
    """The calls of builtin functions that a check of these names makes."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "c_call"

    sys.setprofile(counted)
    try:
        check_tree(names, "here")
    finally:
        sys.setprofile(None)
    return count


def test_the_work_for_names_is_linear() -> None:
    """A name costs the same number of calls however deep it is."""
    deep = "/".join(["a"] * 80_000)
    assert builtin_calls([deep]) < 100
    assert builtin_calls([f"{deep}/{n}" for n in range(20)]) < 500


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b/c", "a!", "a/b"], ["b", "a/c", "a/c"]])
def test_a_name_twice_or_below_a_file(names: list[str]) -> None:
    with pytest.raises(FormatError, match=r"appears twice|would be in"):
        check_tree(names, "here")
    check_tree([name + str(n) for n, name in enumerate(names)], "here")
