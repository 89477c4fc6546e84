"""The bundled model as Transformers sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meadow_py import demo

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEXTS = (
    "The regiment was formed in 1914, and served in France.",
    "== Early life ==\nHe was born in New York City (then a village).\n",
    "  two spaces, a tab\tand a naïve café: £5 to 10 ½ 東京 \N{SNOWMAN}\n\n",
    "ROMEO:\nWhat light is that?\n",
)


@pytest.fixture(scope="module")
def model() -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(demo.folder()).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return transformers.AutoTokenizer.from_pretrained(demo.folder())


def test_it_is_transformers_own_opt_in_the_stored_dtype(model: Any) -> None:
    assert type(model) is transformers.OPTForCausalLM
    assert model.dtype == torch.float16
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_every_parameter_comes_from_the_file_bit_for_bit(model: Any) -> None:
    loaded = dict(model.named_parameters())
    tensors = demo.checkpoint().tensors
    assert set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].detach().numpy().tobytes() == tensor.array().tobytes(), name


def test_its_configuration_agrees_with_its_tokenizer(model: Any, tokenizer: Any) -> None:
    assert len(tokenizer) == model.config.vocab_size
    assert tokenizer.model_max_length == model.config.max_position_embeddings
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        assert getattr(tokenizer, name) == getattr(model.config, name)
        assert getattr(tokenizer, name) == getattr(model.generation_config, name)


def test_special_tokens_have_the_ids_of_opt(tokenizer: Any) -> None:
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.convert_tokens_to_ids(names) == [0, 1, 2, 3]
    assert tokenizer("Hello").input_ids[0] == 2


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_byte_for_byte(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert max(ids) < len(tokenizer)
    assert len(ids) < len(text.encode()) + 1


def test_words_of_its_text_are_fewer_tokens_than_letters(tokenizer: Any) -> None:
    text = "The king was in the north of the city."
    assert len(tokenizer(text).input_ids) < 0.6 * len(text)


def test_logits_are_finite_and_depend_on_what_was_read(model: Any, tokenizer: Any) -> None:
    texts = ["He was born in", "The first part of"]
    last = [logits(model, tokenizer, text)[-1] for text in texts]
    assert all(np.isfinite(row).all() for row in last)
    assert last[0].argmax() != last[1].argmax() or np.abs(last[0] - last[1]).max() > 1


def logits(model: Any, tokenizer: Any, text: str) -> np.ndarray:
    with torch.no_grad():
        return model.float()(**inputs(tokenizer, text)).logits[0].numpy()


def inputs(tokenizer: Any, text: str) -> dict[str, Any]:
    """OPT has no token types."""
    ids = tokenizer(text, return_tensors="pt")
    return {"input_ids": ids["input_ids"], "attention_mask": ids["attention_mask"]}


def test_generation_goes_on_to_the_end_of_the_context(model: Any, tokenizer: Any) -> None:
    given = inputs(tokenizer, "= The ")
    made = model.float().generate(**given, do_sample=False, min_length=64, max_length=64)
    assert made.shape == (1, 64)
    assert made[0, : given["input_ids"].shape[1]].tolist() == given["input_ids"][0].tolist()
    again = model.generate(**given, do_sample=False, min_length=64, max_length=64)
    assert made.tolist() == again.tolist()
    assert len(set(made[0].tolist())) > 8  # it says more than one word
