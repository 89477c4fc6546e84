"""Every verb with every kind of model: each works, or refuses in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import meadow_py as mp
from meadow_py import demo
from meadow_py.cli.app import app

pytest.importorskip("tokenizers")
gguf = pytest.importorskip("gguf")
torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

WIDTH, LAYERS, FEED_FORWARD = 32, 2, 64
TOKENS = ["<e>", *"abcdefghijklmn", "ab"]
KINDS = (
    "folder", "safetensors", "bin", "gguf", "hub id",
    "packed folder", "packed safetensors", "packed bin", "packed gguf", "packed gguf folder",
)  # fmt: skip
VERBS = {
    "profile": ("--granularity", "row", "--chunk-size", "2", "--role", "attention.q", "--quiet"),
    "sweep": ("--granularity", "row", "--chunk-size", "2", "--role", "attention.q", "--quiet"),
    "report": ("--granularity", "row", "--chunk-size", "2", "--role", "attention.q", "--quiet"),
    "pack": ("--quiet",),
    "run": ("--prompt", "ab", "--max-tokens", "3", "--threads", "1"),
    "bench": ("--prompt-tokens", "2", "--tokens", "1", "--runs", "1", "--no-memory", "--quiet"),
    "simulate": ("--device", "raspberry-pi-5"),
    "plan": ("--device", "raspberry-pi-5"),
    "verify": ("--quiet",),
    "unpack": ("--quiet",),
    "inspect": (),
}


def _write_gguf(path: Path) -> Path:
    """A Llama of random weights and 16 tokens, in blocks of Q8_0."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(1e4)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] + [1] * (len(TOKENS) - 1))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    generator = np.random.default_rng(1)
    kind = gguf.GGMLQuantizationType.Q8_0
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output": (len(TOKENS), WIDTH)}
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{name}"] = (WIDTH, WIDTH)
        shapes |= {f"blk.{layer}.{n}": (FEED_FORWARD, WIDTH) for n in ("ffn_gate", "ffn_up")}
        shapes[f"blk.{layer}.ffn_down"] = (WIDTH, FEED_FORWARD)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for name, shape in shapes.items():
        values = generator.normal(0, 0.1, shape).astype(np.float32)
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _beside(folder: Path) -> Path:
    """A folder with all files of the demo except its weights."""
    shutil.copytree(demo.folder(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A model of each kind, by the name that a user would type."""
    root = tmp_path_factory.mktemp("kinds")
    weights = demo.folder() / "model.safetensors"
    folder = Path(shutil.copytree(demo.folder(), root / "folder"))
    made = {"folder": folder, "safetensors": folder / "model.safetensors"}
    values = safetensors_torch.load_file(weights)
    made["bin"] = _beside(root / "pickled") / "pytorch_model.bin"
    torch.save(values, made["bin"])
    (root / "blocks").mkdir()
    made["gguf"] = _write_gguf(root / "blocks" / "model.gguf")
    made["packed folder"] = root / "packed"
    mp.pack(folder, made["packed folder"], progress=False)
    for kind in ("safetensors", "bin", "gguf"):
        place = _beside(root / f"packed {kind}") if kind != "gguf" else root
        made[f"packed {kind}"] = place / f"packed-{kind}.meadow.safetensors"
        mp.pack(made[kind], made[f"packed {kind}"], progress=False)
    made["packed gguf folder"] = root / "packed-blocks"
    mp.pack(root / "blocks", made["packed gguf folder"], progress=False)
    return {kind: str(path) for kind, path in made.items()} | {"hub id": "someone/demo"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the hub library that holds the demo as someone/demo."""
    root = tmp_path_factory.mktemp("hub")
    commit = "0123456789abcdef0123456789abcdef01234567"
    place = root / "models--someone--demo"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    shutil.copytree(demo.folder(), place / "snapshots" / commit)
    return root


def _refusal(verb: str, kind: str) -> str | None:
    """Part of the one sentence that refuses, for those that do not work."""
    if verb in ("verify", "unpack", "inspect"):
        said = "no folder or file 'someone/demo'" if kind == "hub id" else "is not packed"
        return None if kind.startswith("packed") else said
    if verb == "pack" and kind.startswith("packed"):
        return "already packed: unpack it"
    return None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb(
    verb: str, kind: str, models: dict[str, str], cache: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    arguments = [verb, models[kind], *VERBS[verb]]
    if verb in ("pack", "unpack"):
        arguments.insert(2, str(tmp_path / "out"))
    if verb == "report":
        arguments += ["-o", str(tmp_path / "page.html")]
    done = CliRunner().invoke(app, arguments)
    said = _refusal(verb, kind)
    if said is None:
        assert done.exit_code == 0, done.output
        assert done.stdout
    else:
        assert done.exit_code == 1, done.output
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_all_json_says_its_kind(models: dict[str, str], tmp_path: Path) -> None:
    packed = models["packed folder"]
    few = ("--granularity", "row", "--chunk-size", "2", "--role", "attention.q", "--quiet")
    commands = {
        "config": ("config",),
        "profile": ("profile", models["folder"], *few),
        "sweep": ("sweep", models["folder"], *few),
        "inspection": ("inspect", packed),
        "verify": ("verify", packed, "--quiet"),
        "unpack": ("unpack", packed, str(tmp_path / "out"), "--quiet"),
        "run": ("run", models["folder"], "--max-tokens", "1"),
        "bench": ("bench", models["folder"], *VERBS["bench"]),
        "simulation": ("simulate", "opt-125m", "--device", "zcu102"),
        "plan": ("plan", "opt-125m", "--device", "zcu102"),
        "claims": ("claims",),
        "models": ("models",),
        "devices": ("devices",),
        "device": ("devices", "show", "zcu102"),
    }
    for kind, command in commands.items():
        done = CliRunner().invoke(app, [*command, "--json"])
        assert done.exit_code == 0, done.output
        made = json.loads(done.stdout)
        assert (made["kind"], made["version"] is not None) == (kind, True)


def test_a_damaged_model_is_said_in_json_too(models: dict[str, str], tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(models["packed folder"], tmp_path / "packed"))
    file = next(damaged.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = CliRunner().invoke(app, ["verify", str(damaged), "--json", "--quiet"])
    made = json.loads(done.stdout)
    assert (done.exit_code, made["kind"], made["ok"]) == (1, "verify", False)
    assert done.stderr == f"meadow: {made['error']}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate", "opt-125", "-d", "zcu102"), "did you mean opt-125m?"),
        (("plan", "opt", "-d", "zcu102"), "did you mean opt-1.3b or opt-125m"),
        (("report", "missing.json"), "'missing.json' is neither a folder nor a file"),
        (("simulate", "opt-125m", "-d", "zcu102", "--packing", "0.5x"), "at least 1, not 0.5"),
    ],
)
def test_mistakes_are_found_before_the_hub_is_asked(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meadow_py.sources.hub.open_hub", None)
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, said in done.stderr) == (1, True), done.output


def test_assumptions_may_be_joined_by_commas() -> None:
    command = ["simulate", "opt-125m", "-d", "zcu102", "--json"]
    joined, apart = (
        CliRunner().invoke(app, [*command, *given]).stdout
        for given in (
            ("--assume", "overlap=0.5,macs_per_cycle=52"),
            ("--assume", "overlap=0.5", "--assume", "macs_per_cycle=52"),
        )
    )
    assert json.loads(joined) == json.loads(apart)


@pytest.mark.parametrize("stop", [3, True, 0.5])
def test_a_stop_that_is_no_text_is_refused_by_name(stop: object) -> None:
    with mp.load() as model, pytest.raises(TypeError, match=f"stop must be .*, not {stop!r}"):
        model.generate("a", stop=stop)  # type: ignore[arg-type]


def test_run_says_that_blocks_are_expanded_and_what_would_be_faster(models: dict[str, str]) -> None:
    arguments = ["run", models["gguf"], *VERBS["run"]]
    said = CliRunner().invoke(app, [*arguments, "--form", "packed"]).stderr
    assert "Blocks of Q8_0 (16 matrices) are expanded to F32: a token reads " in said
    assert "--form q8 reads about a quarter of that" in said
    made = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert (made["form"], made["stored"], made["forms"]) == ("auto", {"Q8_0": 16}, {"F32": 16})
    smaller = CliRunner().invoke(app, [*arguments, "--form", "q8"])
    assert "expanded" not in smaller.stderr


def test_run_says_what_packed_leaves_dense(tmp_path: Path) -> None:
    folder = _beside(tmp_path / "wide")
    values = safetensors_torch.load_file(demo.folder() / "model.safetensors")
    noise = torch.Generator().manual_seed(1)
    wide = {
        n: v.float() * (1 + 1e-6 * torch.rand(v.shape, generator=noise)) for n, v in values.items()
    }
    safetensors_torch.save_file(wide, folder / "model.safetensors")
    said = CliRunner().invoke(app, ["run", str(folder), *VERBS["run"], "--form", "packed"]).stderr
    assert "--form packed leaves F32 (" in said
    assert "leaves" not in CliRunner().invoke(app, ["run", str(folder), *VERBS["run"]]).stderr
    assert (
        "leaves" not in CliRunner().invoke(app, ["run", *VERBS["run"], "--form", "packed"]).stderr
    )
