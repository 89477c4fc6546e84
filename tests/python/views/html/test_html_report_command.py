"""`meadow report`: where the page comes from and where it goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from html_results import page
from html_tree import parse
from safetensors.numpy import save_file
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app

runner = CliRunner()


def run(*arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, ["report", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    random = np.random.default_rng(4)
    path = tmp_path / "model.safetensors"
    save_file({"model.layers.0.mlp.up_proj.weight": random.standard_normal((16, 16))}, path)
    return path


def test_a_model(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    said = run(model, "-o", target, "--granularity", "row", "--bits", "4", "--quiet")
    assert said.startswith(f"{target}: ")
    tree = parse(target.read_text(encoding="utf-8"))
    assert tree.all("h1")[0].text == str(model)
    first = tree.all("table")[0].all("caption")[0].text
    assert first == "By role: INT4, one scale per row"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_saved_sweep(swept: mp.Sensitivity, tmp_path: Path) -> None:
    saved, target = tmp_path / "saved", tmp_path / "page.html"
    swept.save(saved)  # what the file holds counts, not what it is called
    run(saved, "-o", target)
    assert target.read_text(encoding="utf-8") == page(swept)


def test_a_saved_profile_that_someone_indented(made: mp.Profile, tmp_path: Path) -> None:
    saved, target = tmp_path / "saved.json", tmp_path / "page.html"
    saved.write_text(json.dumps(made.to_dict(), indent=2))
    run(saved, "-o", target)
    assert target.read_text(encoding="utf-8") == page(made)


def test_settings_do_not_go_with_what_is_saved(made: mp.Profile, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    made.save(saved)
    said = run(saved, "-o", tmp_path / "page.html", "--bits", "4", code=2)
    assert "--bits applies when a model is profiled" in said
    assert not (tmp_path / "page.html").exists()


def test_without_a_model_the_demo_and_without_a_name_report_html(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--role", "attention.q", "--quiet").startswith("report.html: ")
    assert (
        parse(Path("report.html").read_text(encoding="utf-8")).all("h1")[0].text.startswith("demo")
    )


@pytest.mark.parametrize("name", ["model.safetensors", "page", "page.pdf", ""])
def test_only_pages_are_written(model: Path, name: str) -> None:
    before = model.read_bytes()
    said = run(model, "-o", model.with_name(name) if name else "", code=2)
    assert "expected a name that ends in .html" in said
    assert model.read_bytes() == before


def test_where_nothing_can_be_written_no_work_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp, "profile", lambda *_, **__: pytest.fail("it was profiled"))
    said = run("-o", tmp_path / "missing" / "page.html", code=1)
    assert "there is no folder" in said


def test_json_that_is_no_result(tmp_path: Path) -> None:
    wrong = tmp_path / "config.json"
    wrong.write_text('{"model_type": "opt"}')
    assert "not a profile" in run(wrong, "-o", tmp_path / "page.html", code=1)


def test_an_older_page_stays_where_writing_fails(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "page.html"
    target.write_text("before")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    said = run(model, "-o", target, "--quiet", code=1)
    assert "No space left" in said
    assert target.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "model.safetensors"}
