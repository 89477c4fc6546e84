"""Texts from models: against Transformers, and what every option does."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import meadow_py
from meadow_py import Model, demo
from meadow_py.run import Token

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with meadow_py.load(threads=1) as made:
        yield made


def _reference(folder: Path) -> Any:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    made = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return torch, made.eval()


def _greedy(folder: Path, ids: list[int], count: int) -> list[int]:
    torch, reference = _reference(folder)
    with torch.no_grad():
        made = reference.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=count,
            do_sample=False,
        )
    return made[0, len(ids) :].tolist()  # type: ignore[no-any-return]


def test_200_greedy_tokens_of_the_demo_are_those_of_transformers(model: Model) -> None:
    generation = model.generate("The history of the", max_tokens=200)
    ids = [token.id for token in generation]
    assert ids == _greedy(demo.folder(), list(generation.prompt), 200)
    assert generation.ids == ids
    assert generation.finish_reason == ("eos" if ids[-1] == 2 else "length")


@pytest.mark.parametrize("name", ["stories260K", "babyllama-105"])
def test_greedy_tokens_of_stories_are_those_of_transformers(name: str, shared_data: Path) -> None:
    folder = shared_data / "weights" / name
    with meadow_py.load(folder, threads=1) as stories:
        generation = stories.generate("Once upon a time", max_tokens=200)
        assert [t.id for t in generation] == _greedy(folder, list(generation.prompt), 200)
        assert generation.text.startswith(",")


def test_logits_are_those_of_transformers(model: Model) -> None:
    torch, reference = _reference(demo.folder())
    ids = model.tokenizer.encode("The history of the = Robert Boulter =")
    with torch.no_grad():
        expected = reference(torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(model.logits(ids), expected, rtol=1e-4, atol=2e-4)
    np.testing.assert_array_equal(
        model.logits("The history of the = Robert Boulter ="), model.logits(ids)
    )


def test_tokens_print_as_their_text(model: Model) -> None:
    generation = model.generate("The history", max_tokens=30)
    pieces = [f"{token}" for token in generation]
    assert "".join(pieces) == generation.text
    assert generation.text == model.tokenizer.decode(generation.ids, skip_special_tokens=True)
    assert str(Token(5, "abc")) == "abc"


def test_tokens_are_made_one_by_one(model: Model) -> None:
    generation = model.generate("The history", max_tokens=30)
    first = list(itertools.islice(generation, 3))
    assert (len(generation.ids), generation.finish_reason) == (3, None)
    assert first + list(generation) == list(model.generate("The history", max_tokens=30))


def test_a_seed_gives_the_same_text(model: Model) -> None:
    def text(seed: int | None) -> str:
        made = model.generate("The", max_tokens=40, temperature=1.0, seed=seed)
        return "".join(map(str, made))

    assert text(5) == text(5)
    assert text(5) != text(6)
    unnamed = model.generate("The", max_tokens=40, temperature=1.0)
    assert "".join(map(str, unnamed)) == text(unnamed.seed)


def test_threads_change_no_token() -> None:
    made = [
        [
            t.id
            for t in meadow_py.load(threads=n).generate(
                "The", max_tokens=20, temperature=0.9, seed=3
            )
        ]
        for n in (1, 2)
    ]
    assert made[0] == made[1]


def test_top_k_of_one_is_greedy_at_any_temperature(model: Model) -> None:
    greedy = [t.id for t in model.generate("The", max_tokens=20)]
    for settings in ({"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}):
        made = model.generate("The", max_tokens=20, temperature=2.0, **settings)  # type: ignore[arg-type]
        assert [t.id for t in made] == greedy


def test_the_repetition_penalty_is_that_of_transformers(model: Model) -> None:
    torch, reference = _reference(demo.folder())
    ids = model.tokenizer.encode("The history of the")
    with torch.no_grad():
        made = reference.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=40,
            do_sample=False,
            repetition_penalty=1.3,
        )
    ours = model.generate(ids, max_tokens=40, repetition_penalty=1.3)
    assert [t.id for t in ours] == made[0, len(ids) :].tolist()


def test_log_probabilities_are_those_of_the_logits(model: Model) -> None:
    generation = model.generate("The history", max_tokens=10, logprobs=True)
    tokens = list(generation)
    logits = model.logits([*generation.prompt, *generation.ids]).astype(np.float64)
    for place, token in enumerate(tokens, len(generation.prompt) - 1):
        expected = logits[place, token.id] - np.log(np.exp(logits[place]).sum())
        assert token.logprob == pytest.approx(expected, abs=1e-6)
    assert all(t.logprob is None for t in model.generate("The", max_tokens=2))


def test_stop_strings_never_appear(model: Model) -> None:
    whole = "".join(map(str, model.generate("The history of the", max_tokens=60)))
    stop = whole[20:25]
    generation = model.generate("The history of the", max_tokens=60, stop=stop)
    assert "".join(map(str, generation)) == whole[: whole.index(stop)]
    assert generation.finish_reason == "stop"
    never = model.generate("The history of the", max_tokens=60, stop=["\x00\x01", whole + "!"])
    assert "".join(map(str, never)) == whole  # all held back, and given at the end


def test_the_end_of_text_ends_it(model: Model) -> None:
    greedy = [t.id for t in model.generate("The history of the", max_tokens=5)]
    model.tokenizer.eos = (greedy[2],)
    try:
        generation = model.generate("The history of the", max_tokens=5)
        assert [t.id for t in generation] == greedy[:3]
        assert generation.finish_reason == "eos"
        ignored = model.generate("The history of the", max_tokens=5, ignore_eos=True)
        assert [t.id for t in ignored] == greedy
    finally:
        model.tokenizer.eos = (2,)


def test_the_context_ends_it(model: Model) -> None:
    prompt = [5] * (model.context - 3)
    generation = model.generate(prompt, max_tokens=None, ignore_eos=True)
    assert len(list(generation)) == 3
    assert generation.finish_reason == "context"
    long = model.generate([5] * (model.context - 1), max_tokens=9)
    assert len(list(long)) == 1


def test_no_tokens(model: Model) -> None:
    generation = model.generate("The", max_tokens=0)
    assert (list(generation), generation.finish_reason) == ([], "length")
    assert generation.timing.first_token_seconds is None


def test_an_empty_prompt_is_the_first_token_of_texts(model: Model) -> None:
    assert model.generate("").prompt == (2,)
    assert model.generate([]).prompt == (2,)
    model.tokenizer.bos, before = None, model.tokenizer.bos
    try:
        with pytest.raises(ValueError, match="prompt: expected at least one token"):
            model.generate([])
    finally:
        model.tokenizer.bos = before


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"prompt": [5] * 384}, ValueError, "384 tokens leave no room in the model's context of"),
        ({"prompt": [320]}, ValueError, "expected ids from 0 to 319, found 320"),
        ({"prompt": [-1]}, ValueError, "expected ids from 0 to 319, found -1"),
        ({"prompt": [1.5]}, TypeError, "sequence of integers, found list of float64"),
        ({"prompt": [[1]]}, ValueError, "found 2 dimensions"),
        ({"max_tokens": -1}, ValueError, "max_tokens: expected 0 or more"),
        ({"max_tokens": 1.5}, TypeError, "max_tokens: expected an integer"),
        ({"temperature": -0.1}, ValueError, "temperature"),
        ({"temperature": float("nan")}, ValueError, "temperature"),
        ({"temperature": "hot"}, TypeError, "temperature: expected a number, found 'hot'"),
        ({"top_k": -1}, ValueError, "top_k"),
        ({"top_p": 1.1}, ValueError, "top_p: expected a number from 0 to 1"),
        ({"min_p": -1}, ValueError, "min_p"),
        ({"repetition_penalty": 0}, ValueError, "repetition_penalty"),
        ({"seed": -1}, ValueError, "seed: expected an integer from 0"),
        ({"seed": 2**64}, ValueError, "seed"),
        ({"seed": 1.0}, TypeError, "seed: expected an integer, found 1.0"),
        ({"top_k": 1.5}, TypeError, "top_k: expected an integer, found 1.5"),
        ({"stop": [""]}, ValueError, "stop"),
    ],
)
def test_what_makes_no_sense(
    model: Model, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        model.generate(**{"prompt": "The", **settings})


def test_integers_of_numpy_and_no_stop_strings(model: Model) -> None:
    settings: dict[str, Any] = {"temperature": 0.9, "max_tokens": 12}
    plain = [t.id for t in model.generate("The", seed=7, top_k=5, **settings)]
    of_numpy = model.generate("The", seed=np.int64(7), top_k=np.int32(5), stop=None, **settings)
    assert [t.id for t in of_numpy] == plain
    assert type(of_numpy.seed) is int


@pytest.mark.parametrize("prompt", [[2, 50, 60], [2]])
def test_a_text_goes_on_after_ctrl_c(
    model: Model, prompt: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [t.id for t in model.generate(prompt, max_tokens=12)]
    generation = model.generate(prompt, max_tokens=12)
    calls: list[Any]
    sampler, calls = generation._sampler, []

    class _Interrupted:
        """Ctrl-C behind every third forward pass."""

        def choose(self, logits: Any, previous: Any) -> int:
            calls.append(None)
            if len(calls) % 3 == 1:
                raise KeyboardInterrupt
            return sampler.choose(logits, previous)

    monkeypatch.setattr(generation, "_sampler", _Interrupted())
    while generation.finish_reason is None:
        with contextlib.suppress(KeyboardInterrupt):
            next(generation)
    assert len(calls) > 12
    assert generation.ids == expected


def test_threads_that_share_a_text_get_its_tokens_once(model: Model) -> None:
    expected = [t.id for t in model.generate("The", max_tokens=150)]
    generation = model.generate("The", max_tokens=150)
    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(lambda _: [t.id for t in generation], range(4)))
    assert generation.ids == expected
    assert sorted(i for share in shares for i in share) == sorted(expected)


def test_nan_logits_are_an_error(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    for file in demo.folder().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    name = next(n for n in tensors if "final_layer_norm.weight" in n and "layers" not in n)
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, tmp_path / "model.safetensors")
    with meadow_py.load(tmp_path, threads=1) as broken, pytest.raises(ValueError, match=r"(?i)nan"):
        next(broken.generate("The"))
