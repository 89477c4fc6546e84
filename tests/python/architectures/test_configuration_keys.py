"""Every key of a configuration class is used, without effect, or refused by name."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import pytest

from meadow_py.architectures import resolve
from meadow_py.architectures.running import describe
from meadow_py.architectures.running.families import DESCRIBE
from meadow_py.architectures.running.families.keys import KEYS

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
if not dataclasses.is_dataclass(transformers.LlamaConfig):
    pytest.skip(
        "configuration classes list their keys since Transformers 5", allow_module_level=True
    )

SIZES: dict[str, Any] = {
    "vocab_size": 37,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 32,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
OF_FAMILY: dict[str, dict[str, Any]] = {
    "opt": {"ffn_dim": 24, "word_embed_proj_dim": 16},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gpt2": {},
    "gpt_neox": {"intermediate_size": 24, "num_attention_heads": 2},
}
# Values other than the default where the type of the default does not suggest one.
OTHERS: dict[str, Any] = {
    "transformers_version": "4.0.0",
    "dtype": "float16",
    "id2label": {0: "a", 1: "b", 2: "c"},
    "label2id": {"a": 0, "b": 1, "c": 2},
    "problem_type": "regression",
    "summary_type": "last",
    "summary_activation": "tanh",
    "attn_logit_softcapping": 5.0,
}
CLASSES = [(family, name) for family, keys in KEYS.items() for name in keys.classes]


def options_of(family: str) -> dict[str, Any]:
    gated = {"intermediate_size": 24, "num_key_value_heads": 2, "head_dim": 4}
    return {**SIZES, **OF_FAMILY.get(family, gated)}


def config_of(family: str, name: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(transformers, name)(**{**options_of(family), **options})


def fields_of(name: str) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(getattr(transformers, name))}


def other_than(key: str, default: Any) -> Any:
    if key in OTHERS:
        return OTHERS[key]
    if isinstance(default, bool):
        return not default
    return 0.25 if isinstance(default, float) else 3


def test_every_family_of_the_engine_has_its_keys() -> None:
    assert list(KEYS) == list(DESCRIBE)


@pytest.mark.parametrize(("family", "name"), CLASSES)
def test_every_key_is_listed_once(family: str, name: str) -> None:
    keys = KEYS[family]
    listed = [*keys.used, *keys.without_effect, *keys.refused]
    assert len(listed) == len(set(listed))
    assert set(fields_of(name)) - set(listed) == set()
    if len(keys.classes) == 1:
        assert set(listed) - set(fields_of(name)) == set()


@pytest.mark.parametrize(("family", "name"), CLASSES)
def test_a_switch_that_the_engine_lacks_is_refused_by_name(family: str, name: str) -> None:
    config = {**config_of(family, name).to_dict(), "model_type": family}
    describe(resolve(config, {}), {})
    assert KEYS[family].refused
    for key in KEYS[family].refused:
        with pytest.raises(ValueError, match=f"{key}=true of this .* is not supported"):
            describe(resolve({**config, key: True}, {}), {})


@pytest.mark.parametrize(("family", "name"), CLASSES)
def test_keys_without_effect_do_not_change_logits(family: str, name: str) -> None:
    torch.manual_seed(0)
    stem = name.removesuffix("TextConfig").removesuffix("Config")
    model_class = getattr(transformers, stem + ("LMHeadModel" if stem == "GPT2" else "ForCausalLM"))
    plain = model_class(config_of(family, name)).eval()
    with torch.no_grad():
        for parameter in plain.parameters():  # scores and logits that a cap or a scale would change
            parameter.copy_(torch.randn(parameter.shape))
    defaults = fields_of(name)
    keys = KEYS[family].without_effect & set(defaults)
    keys -= {"return_dict"}  # shapes the output, and some classes call their own parts with it
    changed = {key: other_than(key, defaults[key]) for key in keys}
    assert all(value != defaults[key] for key, value in changed.items())
    changed_model = model_class(config_of(family, name, **changed)).eval()
    changed_model.load_state_dict(plain.state_dict())
    tokens = torch.tensor([[5, 3, 0, 11, 2, 1, 7]])
    with torch.no_grad():
        torch.testing.assert_close(changed_model(tokens)[0], plain(tokens)[0], rtol=1e-4, atol=1e-4)
