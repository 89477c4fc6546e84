"""Every leaf of a manifest and of a table of regions, changed: refused by its name, or usable."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packed_forge import Forge

import meadow_py as mp
from meadow_py.checkpoint.format.layout import METADATA
from meadow_py.checkpoint.format.manifest import manifest_from_json, manifest_to_json, seal, unseal
from meadow_py.checkpoint.format.reader import PackedFile
from meadow_py.checkpoint.format.region_table import table_from_json, table_to_json
from meadow_py.errors import FormatError

WRONG: tuple[Any, ...] = (
    *(None, True, "text", "\ud800", "", -1, 0, 7, 2**70, 0.5, 1e308, float("nan"), float("inf")),
    *([], [None], {}, {"key": 1}),
)
PYTHON = ("KeyError", "TypeError", "AttributeError", "NoneType", "object has no", "not iterable")
MISSING = object()
Step = str | int


def leaves(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The path of every value inside, also those of lists and objects."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, held in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(held, (*path, key))


def changed(data: Any, path: tuple[Step, ...], wrong: Any) -> Any:
    made = copy.deepcopy(data)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    if wrong is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = wrong
    return made


def mutations(data: Any) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    for path in leaves(data):
        for wrong in (*WRONG, MISSING):
            yield path, wrong, changed(data, path, wrong)
        if isinstance(path[-1], str):
            yield path, "extra", changed(data, (*path[:-1], "surplus"), 1)


def check(data: Any, load: Callable[[Any], object]) -> tuple[int, int]:
    """Load every mutation; the numbers of those that were refused and of those that were not."""
    refused = accepted = 0
    for path, wrong, mutated in mutations(data):
        try:
            load(mutated)
            accepted += 1
        except FormatError as error:
            said = str(error)
            assert not any(word in said for word in PYTHON), (path, wrong, said)
            assert names_it(said, path), (path, wrong, said)
            refused += 1
    return refused, accepted


def names_it(said: str, path: tuple[Step, ...]) -> bool:
    """Whether a message names the value, what holds it, or the rule between several values."""
    keys = [step for step in path if isinstance(step, str)]
    holder = f"{path[0]}[{path[1]}]" if len(path) > 1 and isinstance(path[1], int) else keys[-1]
    rules = (
        "appears twice",
        "not the manifest",
        "no packed files",
        "which is a file",
        "this library",
    )
    between = ("regions and rest have", "overlaps another", "a rest of")
    return any(word in said for word in (keys[-1], holder, *rules, *between))


@pytest.fixture(scope="module")
def packed(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaves")
    mp.pack(plain, folder / "packed")
    return folder / "packed"


def test_manifest(packed: Path) -> None:
    text = (packed / "meadow.json").read_bytes()
    data = unseal(text, "meadow.json")

    def load(mutated: Any) -> None:
        made = manifest_from_json(seal_any(mutated), "meadow.json")
        assert manifest_from_json(manifest_to_json(made), "meadow.json") == made

    refused, accepted = check(data, load)
    assert refused > 500
    assert accepted > 50  # surplus keys, and texts that may be any text


def seal_any(data: dict[str, Any]) -> bytes:
    """As `seal`, also for texts that UTF-8 does not hold: JSON has an escape for them."""
    try:
        return seal(data)
    except UnicodeEncodeError:
        found = json.loads(json.dumps(data).replace("\\ud800", "SURROGATE"))
        return reseal(seal(found).replace(b"SURROGATE", b"\\ud800"))


def reseal(text: bytes) -> bytes:
    import hashlib
    import re

    before, digest, after = text.rpartition(re.findall(rb"[0-9a-f]{64}", text)[-1])
    blank = before + b"0" * len(digest) + after
    return before + hashlib.sha256(blank).hexdigest().encode() + after


@pytest.mark.parametrize("kind", ["safetensors", "views"])
def test_table_of_regions(kind: str, packed: Path) -> None:
    forge = Forge(packed / "model.meadow.safetensors")
    data, size = forge.table, int(forge.metadata["source_size"])
    if kind == "views":
        data = changed(data, ("regions",), data["regions"][:2])
        size = data["rest"]["length"] + sum(region["length"] for region in data["regions"])
        data["regions"][0]["offset"], first = 0, data["regions"][0]
        data["regions"][1]["offset"] = first["length"]
        data["views"] = [
            {
                "name": "view",
                "dtype": first["dtype"],
                "shape": [2, 3],
                "region": 0,
                "offset": 1,
                "strides": [3, 1],
            }
        ]

    def load(mutated: Any) -> None:
        table = table_from_json(json.dumps(mutated).encode(), size, "table")
        assert table_from_json(table_to_json(table), size, "table") == table

    load(data)
    refused, accepted = check(data, load)
    assert refused > 300
    assert accepted > 20  # surplus keys, other checksums, names and codecs


def test_metadata_of_the_header(packed: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    refused = 0
    for key in METADATA[:-1]:  # not the checksum, which fits what is written
        for wrong in ("", "text", "-1", "9" * 30, "nan", "\x00", "0" * 64):
            forge = Forge(packed / "model.meadow.safetensors")
            forge.metadata[key] = wrong
            forge.write(path)
            said = refusal(path)
            assert not any(word in said for word in PYTHON), (key, wrong)
            refused += bool(said)
    assert refused > 10


def refusal(path: Path) -> str:
    """The message that refuses a packed file; empty if it is opened."""
    try:
        with PackedFile(path):
            return ""
    except FormatError as error:
        return str(error)
