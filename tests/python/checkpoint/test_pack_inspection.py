"""What `inspect` says, and that its figures add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import meadow_py as mp
from meadow_py import demo
from meadow_py.checkpoint.inspection import by_role


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("demo") / "packed"
    mp.pack(demo.folder(), target)
    return target


def test_sizes_are_those_on_disk(packed: Path) -> None:
    made = mp.inspect(packed)
    files = [path for path in packed.rglob("*") if path.is_file()]
    assert made.bytes_packed == sum(path.stat().st_size for path in files)
    sources = [path for path in demo.folder().rglob("*") if path.is_file()]
    assert made.bytes_original == sum(path.stat().st_size for path in sources)
    assert made.ratio == made.bytes_original / made.bytes_packed


def test_tensors_tile_the_file(packed: Path) -> None:
    made = mp.inspect(packed)
    with mp.open_checkpoint(demo.folder()) as checkpoint:
        assert {t.name: (t.dtype, t.shape, t.bytes_original) for t in made.tensors} == {
            t.name: (t.dtype, t.shape, t.nbytes) for t in checkpoint.tensors.values()
        }
        roles = {weight.tensor.name: weight.role for weight in checkpoint.weights}
    found = {tensor.name: tensor.role for tensor in made.tensors}
    assert {name: found[name] for name in roles} == roles
    (file,) = made.files
    raw = (packed / file.name).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    offsets = json.loads(raw[8:start])["__meadow__.rest"]["data_offsets"]
    assert sum(tensor.bytes_packed for tensor in made.tensors) == offsets[0]


def test_json(packed: Path) -> None:
    made = mp.inspect(packed)
    data = json.loads(made.to_json())
    assert data == made.to_dict()
    assert data["version"] == 1
    assert data["bytes_packed"] < data["bytes_original"]
    assert {*data["tensors"][0]} == {
        "name",
        "role",
        "dtype",
        "shape",
        "codec",
        "bytes_original",
        "bytes_packed",
        "floor",
        "file",
    }


def test_roles_add_up(packed: Path) -> None:
    made = mp.inspect(packed)
    *roles, total = by_role(made.tensors)
    for field in ("tensors", "bytes_original", "bytes_packed"):
        assert sum(getattr(role, field) for role in roles) == getattr(total, field)
    assert {role.role for role in roles} >= {"attention.q", "mlp.up", "embedding", "norm"}


def test_no_tensor_is_below_its_floor(packed: Path) -> None:
    assert mp.inspect(packed).tensors
    for tensor in mp.inspect(packed).tensors:
        assert tensor.bytes_packed >= tensor.floor > 0, tensor.name


def test_fused_tensors(shared_data: Path, tmp_path: Path) -> None:
    mp.pack(shared_data / "weights/gpt2-attention", tmp_path / "packed")
    roles = {t.name.rpartition("h.")[2]: t.role for t in mp.inspect(tmp_path / "packed").tensors}
    assert roles["0.attn.c_attn.weight"] == "attention"
    assert roles["0.attn.c_proj.weight"] == "attention.o"
    assert roles["0.ln_1.weight"] == "norm"


def test_table_and_card(packed: Path) -> None:
    made = mp.inspect(packed)
    assert repr(made).splitlines()[0] == str(packed)
    assert "attention.q" in repr(made)
    assert "All files:" in repr(made)
    assert made.model_card() == (packed / "MEADOW.md").read_text()


def test_data_frame(packed: Path) -> None:
    pytest.importorskip("pandas")
    made = mp.inspect(packed)
    frame = made.to_dataframe()
    assert len(frame) == len(made.tensors)
    assert frame["bytes_packed"].sum() == sum(tensor.bytes_packed for tensor in made.tensors)


def test_names_do_not_steer_a_terminal(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"\x1b[31mred.weight": np.zeros((4, 4), np.float32)}, tmp_path / "m.safetensors")
    made = mp.pack(tmp_path / "m.safetensors", tmp_path / "p.safetensors").inspection
    from rich.console import Console

    from meadow_py.views.terminal.packed import render_packed

    assert "\x1b" not in render_packed(made, Console(width=100, no_color=True), per_tensor=True)


MARKUP = [
    "<img src=x onerror=alert(1)>",
    "![a](b)",
    "[click](evil)",
    "www.example.com",
    "a | b | `c` | d",
    "``` two",
    "# heading\n\n# another",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("name", MARKUP)
def test_names_do_not_mark_up_the_card(name: str, tmp_path: Path) -> None:
    markdown = pytest.importorskip("markdown_it")
    import numpy as np
    from safetensors.numpy import save_file

    (tmp_path / "m").mkdir()
    save_file({"w": np.zeros((4, 4), np.float32)}, tmp_path / f"m/{name}.safetensors")
    card = mp.pack(tmp_path / "m", tmp_path / "packed").inspection.model_card()
    tokens = markdown.MarkdownIt("commonmark", {"html": True}).enable("table").parse(card)
    begin = next(n for n, token in enumerate(tokens) if token.type == "tbody_open")
    cells = [token.children for token in tokens[begin:] if token.type == "inline"]
    assert len(cells) == 4
    (first,) = cells[0] or []
    assert first.type == "code_inline"
    assert first.content == f"{name}.safetensors".replace("\n", "\\n")
    assert sum(token.type == "heading_open" for token in tokens) == 1
