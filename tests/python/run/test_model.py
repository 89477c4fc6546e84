"""Models that run: what they say of themselves, closing, perplexity, missing tokenizers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import meadow_py
from meadow_py import Model, demo

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with meadow_py.load(threads=1, form="dense") as made:
        yield made


def test_what_a_model_says_of_itself(model: Model) -> None:
    assert (model.family, model.context, model.parameters) == ("opt", 384, 1_915_392)
    assert model.forms == {"F16": 26}
    # All matrices but the table of positions are read, in F16; vectors are kept in F32.
    assert 3.5e6 < model.bytes_per_token < 3.9e6
    assert repr(model) == (
        f"Model({demo.NAME!r}, opt, 1.915 M parameters, F16, "
        f"{model.bytes_per_token / 1e6:.4g} MB read for a token)"
    )
    html = model._repr_html_()
    assert "<table" in html
    assert "1.915 M" in html


def test_a_closed_model_says_so() -> None:
    with meadow_py.load() as made:
        generation = made.generate("The", max_tokens=3)
    assert repr(made) == f"Model({demo.NAME!r}, closed)"
    assert "closed" in made._repr_html_()
    for use in (lambda: made.generate("The"), lambda: made.logits([2]), lambda: made.parameters):
        with pytest.raises(ValueError, match=r"The model .* is closed"):
            use()
    assert len(list(generation)) == 3


def test_a_model_without_a_tokenizer_takes_ids(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((demo.folder() / name).read_bytes())
    with meadow_py.load(tmp_path, threads=1) as bare, meadow_py.load(threads=1) as whole:
        generation = bare.generate([2, 50], max_tokens=20)
        assert [t.id for t in generation] == [t.id for t in whole.generate([2, 50], max_tokens=20)]
        assert generation.text == ""
        assert bare.generate([]).prompt == (2,)
        with pytest.raises(FileNotFoundError, match="no tokenizer"):
            bare.generate("text")
        with pytest.raises(FileNotFoundError, match="no tokenizer"):
            bare.generate([2], stop="x")


def test_logits_that_cannot_be(model: Model) -> None:
    with pytest.raises(ValueError, match="must hold at least one"):
        model.logits([])
    with pytest.raises(ValueError, match="must be at most 384"):
        model.logits([5] * 385)
    with pytest.raises(ValueError, match="must be ids from 0 to 319"):
        model.logits(np.array([320]))


def _windows_of_transformers(ids: list[int], context: int, stride: int) -> tuple[float, int]:
    """The loop of Hugging Face's guide, every token's loss added up."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    reference: Any = transformers.AutoModelForCausalLM.from_pretrained(
        demo.folder(), dtype=torch.float32
    ).eval()
    total, count, reached = 0.0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + context, len(ids))
        inputs = torch.tensor([ids[begin:end]])
        targets = inputs.clone()
        targets[:, : -(end - reached)] = -100
        with torch.no_grad():
            logits = reference(inputs).logits[0, :-1].double()
        losses = torch.nn.functional.cross_entropy(logits, targets[0, 1:], reduction="none")
        total += float(losses.sum())
        count += int((targets[0, 1:] != -100).sum())
        reached = end
        if end == len(ids):
            break
    return total, count


@pytest.mark.parametrize(("context", "stride"), [(384, 384), (200, 64), (128, 127), (64, 1)])
def test_perplexity_is_that_of_the_guide(
    model: Model, context: int, stride: int, shared_data: Path
) -> None:
    text = (shared_data / "text/wikitext2.test.raw.txt").read_text("utf-8")
    text = text[: 300 if stride == 1 else 2000]
    made = model.perplexity(text, context=context, stride=stride, progress=False)
    expected, count = _windows_of_transformers(model.tokenizer.encode(text), context, stride)
    assert (made.tokens, made.context, made.stride) == (count, context, stride)
    assert made.nll == pytest.approx(expected, rel=1e-5)
    assert float(made) == made.value == math.exp(made.nll / made.tokens)
    assert str(made) == repr(made.value)


def test_perplexity_of_the_demo_is_what_its_card_says(model: Model, shared_data: Path) -> None:
    text = (shared_data / "text/wikitext2.test.raw.txt").read_text("utf-8")
    made = model.perplexity(text[:6_000], progress=False)
    assert made.context == made.stride == 384
    assert 10 < made.value < 25


def test_perplexity_that_makes_no_sense(model: Model) -> None:
    for settings, said in (
        ({"text": ""}, "at least two tokens"),
        ({"text": "a b c", "context": 385}, "must be from 2 to 384"),
        ({"text": "a b c", "context": 1}, "must be from 2 to 384"),
        ({"text": "a b c", "stride": 0}, "stride must be from 1 to 384"),
        ({"text": "a b c", "context": 10, "stride": 11}, "stride must be from 1 to 10"),
    ):
        with pytest.raises(ValueError, match=said):
            model.perplexity(**settings)  # type: ignore[arg-type]
    wrong: list[dict[str, Any]] = [{"context": 2.5}, {"context": "4"}, {"stride": True}]
    for settings in wrong:
        with pytest.raises(TypeError, match=f"{next(iter(settings))} must be a whole number"):
            model.perplexity("a b c", **settings)


def test_perplexity_beyond_the_largest_float_is_infinite(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((demo.folder() / name).read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    norm = "model.decoder.final_layer_norm"
    for name in (f"{norm}.weight", f"{norm}.bias"):
        tensors[name] = tensors[name].astype(np.float32) * np.float32(1e6)
    save_file(tensors, tmp_path / "model.safetensors")
    with meadow_py.load(tmp_path, threads=1) as loud:
        found = loud.perplexity([2, 50, 60, 70])
    assert float(found) == math.inf
    assert 710 < found.nll / found.tokens < math.inf


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="threads"):
        meadow_py.load(threads=-1)
    with pytest.raises(ValueError, match=r"threads=1099511627776: expected 1 to 1024"):
        meadow_py.load(threads=2**40)
    with pytest.raises(ValueError, match="form"):
        meadow_py.load(form="folded")
    with pytest.raises(ValueError, match="activations must be 'F32' or 'BF16', not 'bf16'"):
        meadow_py.load(activations="bf16")


@pytest.mark.parametrize(
    "options", [{"form": "folded"}, {"dtype": "f32"}, {"activations": "bf16"}, {"threads": -1}]
)
def test_options_are_checked_before_anything_is_fetched(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        meadow_py.load("nobody/nothing", local_files_only=True, **options)
