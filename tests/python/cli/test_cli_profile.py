"""`meadow profile`: what it prints, and what it makes of its options."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py.cli.app import app

runner = CliRunner()


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A checkpoint of one small layer."""
    random = np.random.default_rng(4)
    names = ("fc1", "fc2", "self_attn.q_proj")
    tensors = {
        f"model.decoder.layers.0.{name}.weight": random.standard_normal((16, 16), np.float32)
        for name in names
    }
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    return str(path)


def run(*arguments: str, code: int = 0) -> str:
    result = runner.invoke(app, ["profile", *arguments], prog_name="meadow")
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def as_json(*arguments: str) -> dict:
    return json.loads(run(*arguments, "--json"))


def test_without_a_model_the_demo() -> None:
    text = run()
    assert text.startswith("demo: OPT trained by this project")
    assert "Sweet spot: none" in text or "Smallest packing" in text
    assert "INT8 group:128" in text


def test_the_table_is_the_repr(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(model).splitlines() == repr(mp.profile(model)).splitlines()


def test_json_is_the_contract(model: str) -> None:
    data = as_json(model)
    expected = mp.profile(model).to_dict()
    assert data["weights"] == json.loads(json.dumps(expected["weights"]))
    assert data["version"] == 1


REPEATED = "--bits 8 --bits int4 --granularity row --granularity group:8 --chunk-size 2,3"


@pytest.mark.parametrize(
    "options", [REPEATED, "--bits 8,4 --granularity row,group:8 --chunk-size 2 --chunk-size 3"]
)
def test_lists_with_commas_or_repeated(model: str, options: str) -> None:
    settings = as_json(model, *options.split())["settings"]
    assert settings["bits"] == [8, 4]
    assert settings["granularity"] == ["row", "group:8"]
    assert settings["chunk_sizes"] == [2, 3]


def test_keys_of_quantizers(model: str) -> None:
    data = as_json(model, "--quantizer", "int8:row,q8", "--quantizer", "INT4:group:8:asym")
    keys = ["int8:row", "int8:32+8:row", "int4:group:8:asym"]
    assert data["settings"]["quantizers"] == keys
    packings = data["weights"][0]["packings"]
    assert list(dict.fromkeys(packing["quantizer"] for packing in packings)) == keys
    assert "q8" in run(model, "--quantizer", "int8:row,q8")


def test_other_options_reach_the_profile(model: str) -> None:
    data = as_json(model, "--asymmetric", "--along", "out", "--no-verify", "--threads", "1")
    settings = data["settings"]
    assert (settings["symmetric"], settings["along"], settings["verified"]) == (False, "out", False)
    assert data["host"]["threads"] == 1


def test_roles(model: str) -> None:
    roles = [weight["role"] for weight in as_json(model, "--role", "mlp")["weights"]]
    assert sorted(roles) == ["mlp.down", "mlp.up"]


def test_per_weight(model: str) -> None:
    for option in ("--per-weight", "--all"):
        assert "fc1.weight" in run(model, option)
    assert "fc1.weight" not in run(model)


def test_output_saves_what_load_reads(model: str, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    text = run(model, "--output", str(path))
    assert "role" in text
    assert mp.Profile.load(path) == mp.profile(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bits", "9"], "expected 2 to 8"),
        (["--quantizer", "int9:row"], "bits=9: expected 2 to 8"),
        (["--quantizer", "fp4"], "expected q8"),
        (["--quantizer", "q8", "--bits", "8"], "--quantizer and --bits were given"),
        (["--quantizer", "q8", "--granularity", "row"], "--quantizer and --granularity were given"),
        (["--quantizer", "q8", "--asymmetric"], "--quantizer and --asymmetric were given"),
        (["--bits", "eight"], "expected a whole number"),
        (["--bits", ""], "expected a whole number"),
        (["--granularity", "channel"], "expected tensor, row, or group:N"),
        (["--chunk-size", "2,17"], "expected 1 to 16"),
        (["--role", "heads"], "expected one of"),
        (["--along", "rows"], "rows"),
        (["--threads", "-1"], "threads"),
        (["--threads", "1025"], "expected 1 to 1024"),
        (["--threads", "9" * 30], "expected 1 to 1024"),
        (["--granularity", f"group:{2**31}"], "1 to 2147483647"),
        (["--granularity", "group:99999999999999999999"], "1 to 2147483647"),
        (["--granularity", "group:" + "9" * 5000], "1 to 2147483647"),
        (["--no-such-option"], "--no-such-option"),
        (["a", "b"], "unexpected"),
    ],
)
def test_wrong_usage_is_code_2(options: list[str], message: str) -> None:
    said = " ".join(run(*options, code=2).replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())
    assert message in said


def test_a_failure_is_code_1_and_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.safetensors"
    empty.write_bytes(b"")
    for named in (str(empty), str(tmp_path / "nowhere"), str(tmp_path)):
        said = run(named, code=1)
        assert said.startswith("meadow: ")
        assert said.count("\n") == 1
    assert "the file is empty" in run(str(empty), code=1)


def test_nan_names_the_weight(tmp_path: Path) -> None:
    path = tmp_path / "nan.safetensors"
    save_file({"layers.0.weight": np.full((2, 2), np.nan, np.float32)}, path)
    assert "layers.0.weight" in run(str(path), code=1)


def test_a_role_that_the_model_lacks(model: str) -> None:
    assert "expected one of attention.q, mlp.down, mlp.up" in run(model, "--role", "head", code=1)


def test_help_has_an_example() -> None:
    text = run("--help")
    assert "Example: meadow profile facebook/opt-125m" in text
    for option in ("--bits", "--granularity", "--chunk-size", "--json", "--offline", "--quiet"):
        assert option in text
