"""Models that the engine does not run, and checkpoints that are not what their config says."""

from __future__ import annotations

from typing import Any

import pytest

from meadow_py.architectures import resolve
from meadow_py.architectures.running import describe, locate
from meadow_py.errors import FormatError
from meadow_py.workload import shape_of

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 40,
    "max_position_embeddings": 32,
}
GPT2 = {"model_type": "gpt2", "n_layer": 1, "n_embd": 16, "n_head": 4, "vocab_size": 40}
GPT2["n_positions"] = 32
NEO = {**LLAMA, "model_type": "gpt_neo", "attention_types": [[["global", "local"], 1]]}
SLIDING = ["full_attention", "sliding_attention"]
Shapes = dict[str, tuple[int, ...]]


def shapes_of(config: dict[str, Any]) -> Shapes:
    return resolve(config, {}).expected_shapes()


def located(config: dict[str, Any], shapes: Shapes) -> Any:
    architecture = resolve(config, shapes)
    return locate(architecture, describe(architecture, shapes), shapes)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**LLAMA, "model_type": "mixtral"}, "'mixtral' are not supported"),
        ({**LLAMA, "model_type": "bert"}, "'bert' are not supported"),
        ({**LLAMA, "model_type": "bloom"}, "'bloom' are not supported.*one of opt, gpt2"),
        ({**LLAMA, "model_type": "qwen3_moe"}, "'qwen3_moe' are not supported"),
        ({**LLAMA, "hidden_act": "quick_gelu"}, "hidden_act='quick_gelu' is not supported"),
        ({**LLAMA, "rms_norm_eps": "small"}, "rms_norm_eps='small': expected a number"),
        ({**LLAMA, "rms_norm_eps": -1}, "rms_norm_eps=-1: expected a number greater than 0"),
        ({**LLAMA, "num_key_value_heads": 3}, "4 heads do not share 3"),
        ({**LLAMA, "hidden_size": None}, "does not tell its hidden, head_dim"),
        ({**LLAMA, "head_dim": 5}, "5 rotated values of a head: expected an even number"),
        ({**LLAMA, "partial_rotary_factor": 0.5}, "partial_rotary_factor=0.5.*the whole head"),
        ({**LLAMA, "rope_theta": 0}, "rope_theta=0: expected a number greater"),
        ({**LLAMA, "rope_scaling": {"type": "axial"}}, "rotary scaling 'axial' is not supported"),
        ({**LLAMA, "rope_scaling": {"type": "linear"}}, "rotary scaling 'linear' needs factor"),
        ({**LLAMA, "rope_scaling": 2}, "rope_scaling=2: expected an object"),
        (
            {**LLAMA, "quantization_config": {"quant_method": "gptq"}},
            "quantised with 'gptq' are not supported",
        ),
        ({**LLAMA, "attention_bias": 1}, "attention_bias=1: expected true or false"),
        ({**GPT2, "scale_attn_by_inverse_layer_idx": True}, "inverse_layer_idx=true.*GPT-2"),
        ({**NEO, "attention_types": [[["global"], 1]]}, "tells 1 layers, expected 2"),
        ({**NEO, "attention_types": [[["all"], 2]]}, "expected .* 'global' and 'local'"),
        (
            {**NEO, "attention_layers": ["global", "global"]},
            r"attention_layers=\['global', 'global'\] contradicts attention_types",
        ),
        ({**NEO, "attention_layers": "global"}, "attention_layers='global' contradicts"),
        ({**LLAMA, "layer_types": SLIDING}, "layer_types=.*expected full_attention.*Llama"),
        (
            {**LLAMA, "model_type": "gemma", "layer_types": SLIDING},
            "layer_types=.*expected full_attention.*Gemma",
        ),
        (
            {**LLAMA, "model_type": "phi3", "sliding_window": 7, "layer_types": SLIDING},
            "layer_types=.*expected sliding_attention.*Phi-3",
        ),
        (
            {**LLAMA, "model_type": "mistral", "sliding_window": None, "layer_types": SLIDING},
            "layers of sliding attention, but no sliding_window",
        ),
        ({**NEO, "window_size": 0}, "window_size=0: expected a whole number"),
        (
            {**LLAMA, "model_type": "gemma2", "layer_types": ["chunked_attention"] * 2},
            "'chunked_attention' is not supported",
        ),
        ({**LLAMA, "model_type": "gemma2", "layer_types": ["full_attention"]}, "expected 2 types"),
        (
            {**LLAMA, "model_type": "gemma3_text", "use_bidirectional_attention": True},
            "use_bidirectional_attention=true",
        ),
        ({"general.architecture": "llama", "llama.expert_count": 8}, "does not tell its layers"),
    ],
)
def test_a_model_that_does_not_run_says_why(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        describe(resolve(config, {}), {})


def test_a_mixture_of_experts_in_a_gguf_file() -> None:
    sizes = {"block_count": 2, "embedding_length": 16, "attention.head_count": 4}
    sizes |= {"feed_forward_length": 24, "vocab_size": 40, "context_length": 32, "expert_count": 8}
    config = {"general.architecture": "llama", **{f"llama.{k}": v for k, v in sizes.items()}}
    with pytest.raises(ValueError, match=r"mixtures of experts.*llama.expert_count=8"):
        describe(resolve(config, {}), {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_hidden_layers": 1000}, "1000 layers, the checkpoint has 20 tensors"),
        ({"head_dim": 1000}, "heads with 1000 values, .* wider than 40"),
        ({"num_hidden_layers": 10**12}, "layers=1000000000000: expected .* from 1 to 100000"),
        ({"head_dim": 10**12}, "head_dim=1000000000000: expected .* to 2147483647"),
        ({"max_position_embeddings": 10**30}, "0000: expected a whole number from 1 to 2147483647"),
        ({"rope_scaling": {"type": "yarn", "factor": 2.0, "rope_theta": 1.0}}, "above 1 for YaRN"),
        (
            {"rope_scaling": {"type": "yarn", "original_max_position_embeddings": 1}},
            r"embeddings=1\.0: expected more than 1",
        ),
        ({"rope_scaling": {"type": "yarn", "factor": 1e308}}, r"YaRN scales .* by 1e\+308"),
        ({"rope_theta": 1e-300}, "without finite frequencies"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_sizes_out_of_all_proportion(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        located({**LLAMA, **options}, shapes_of({**LLAMA, "tie_word_embeddings": True}))


def test_more_repetitions_than_any_model_has() -> None:
    architecture = resolve({**NEO, "attention_types": [[["global"], 10**12], [["local"], 1]]}, {})
    with pytest.raises(ValueError, match="tells 1000000000001 layers"):
        describe(architecture, {})


def test_names_alone_do_not_run() -> None:
    shapes = shapes_of(LLAMA)
    with pytest.raises(ValueError, match=r"there is none: expected a config\.json"):
        describe(resolve(None, shapes), shapes)
    with pytest.raises(ValueError, match="'mystery' are not supported"):
        describe(resolve({**LLAMA, "model_type": "mystery"}, shapes), shapes)


@pytest.mark.parametrize("config", [LLAMA, GPT2], ids=["llama", "gpt2"])
def test_every_tensor_counts(config: dict[str, Any]) -> None:
    config = {"tie_word_embeddings": False, **config}
    whole = shapes_of(config)
    assert not located(config, whole).unused
    for tensor, shape in whole.items():
        rest = {name: other for name, other in whole.items() if name != tensor}
        with pytest.raises(FormatError, match="lacks"):
            located(config, rest)
        with pytest.raises(FormatError, match=r"expected .* found|neither of torch's Linear"):
            located(config, {**whole, tensor: (*shape[:-1], shape[-1] + 1)})


def test_the_message_names_tensor_expected_and_found() -> None:
    shapes = {**shapes_of(LLAMA), "model.layers.1.self_attn.k_proj.weight": (16, 16)}
    said = r"model\.layers\.1\.self_attn\.k_proj\.weight: expected .* \[8, 16\] .*found \[16, 16\]"
    with pytest.raises(FormatError, match=said):
        located(LLAMA, shapes)
    del shapes["model.norm.weight"], shapes["model.layers.1.self_attn.k_proj.weight"]
    with pytest.raises(FormatError, match=r"no tensor of layers\.1\.k"):
        located(LLAMA, shapes)


def test_the_same_weight_twice() -> None:
    shapes = shapes_of(LLAMA)
    copies = {name.removeprefix("model."): shape for name, shape in shapes.items()}
    with pytest.raises(FormatError, match="expected one embedding"):
        located({**LLAMA, "tie_word_embeddings": False}, {**shapes, **copies})


def test_what_no_step_reads_is_told() -> None:
    shapes = {**shapes_of(LLAMA), "score.weight": (2, 16)}
    shapes["model.layers.0.self_attn.q_proj.bias"] = (16,)
    shapes["model.layers.0.self_attn.rotary_emb.inv_freq"] = (2,)
    expected = ("score.weight", "model.layers.0.self_attn.q_proj.bias")
    assert located(LLAMA, shapes).unused == expected


EVEN_NEO = {**NEO, "num_key_value_heads": 4}
CONTRADICTORY: list[tuple[dict[str, Any], str]] = [
    ({**EVEN_NEO, "attention_layers": ["global", "global"]}, "attention_layers=.* contradicts"),
    ({**EVEN_NEO, "attention_types": [[["global"], 1]]}, "tells 1 layers, expected 2"),
    ({**LLAMA, "layer_types": SLIDING}, "layer_types=.*expected full_attention"),
    ({**LLAMA, "model_type": "gemma", "layer_types": SLIDING}, "expected full_attention"),
    ({**LLAMA, "model_type": "phi3", "sliding_window": 7, "layer_types": SLIDING}, "sliding_att"),
    (
        {**LLAMA, "model_type": "mistral", "sliding_window": None, "layer_types": SLIDING},
        "no sliding_window",
    ),
    ({**LLAMA, "model_type": "mistral", "sliding_window": "7"}, "sliding_window='7': expected"),
    ({**LLAMA, "model_type": "gemma2", "layer_types": ["full_attention"]}, "expected 2 types"),
    (
        {**LLAMA, "model_type": "qwen2", "use_sliding_window": True, "max_window_layers": "1"},
        "max_window_layers='1': expected a whole number of at least 0",
    ),
    ({**LLAMA, "model_type": "qwen3", "max_window_layers": -1}, "max_window_layers=-1: expected"),
]


@pytest.mark.parametrize(("config", "said"), CONTRADICTORY)
def test_contradictory_windows_are_not_simulated(config: dict[str, Any], said: str) -> None:
    for read in (lambda: describe(resolve(config, {}), {}), lambda: shape_of(config)):
        with pytest.raises(ValueError, match=said):
            read()


@pytest.mark.parametrize(
    "options",
    [{"hidden_act": "quick_gelu"}, {"quantization_config": {"quant_method": "gptq"}}],
    ids=["activation", "quantised"],
)
def test_a_model_that_the_engine_does_not_run_keeps_its_windows(options: dict[str, Any]) -> None:
    config = {**LLAMA, "model_type": "mistral", "sliding_window": 7, **options}
    with pytest.raises(ValueError, match="not supported by the engine"):
        describe(resolve(config, {}), {})
    assert shape_of(config).windows == (7, 7)
