"""The keys of each family's configuration class in transformers, and their part in the engine.

A key that is listed nowhere is one of a later release: a test compares the tables with the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Read from every configuration, under these names or others that `dimensions` and `rotary` list.
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
_POSITIONS = ("max_position_embeddings",)
_STATED = ("architectures", "tie_word_embeddings")

# Settings of training, of classifiers, of the vocabulary and of the calling convention.
_WITHOUT_EFFECT = (
    "transformers_version",
    "output_hidden_states",
    "return_dict",
    "dtype",
    "chunk_size_feed_forward",
    "id2label",
    "label2id",
    "problem_type",
    "use_cache",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)


@dataclass(frozen=True)
class Keys:
    """The keys of one family's configuration class.

    Attributes
    ----------
    title : str
        The family's published name.
    classes : tuple of str
        Configuration classes of transformers.
    used : frozenset of str
        Keys that the engine follows, or refuses by their values.
    without_effect : frozenset of str
        Keys that do not change logits: a test compares logits of transformers.
    refused : tuple of str
        Switches that the engine lacks: a configuration that switches one on is refused.
    """

    title: str
    classes: tuple[str, ...]
    used: frozenset[str]
    without_effect: frozenset[str]
    refused: tuple[str, ...] = field(default=("is_encoder_decoder",))


def _keys(title: str, config: str, used: str, without_effect: str, refused: str = "") -> Keys:
    return Keys(
        title=title,
        classes=tuple(config.split()),
        used=frozenset((*_STATED, *used.split())),
        without_effect=frozenset((*_WITHOUT_EFFECT, *without_effect.split())),
        refused=("is_encoder_decoder", *refused.split()),
    )


def _rotated(title: str, config: str, used: str, without: str = "", refused: str = "") -> Keys:
    """A family in the shape of Llama."""
    sizes = " ".join((*_SIZES, *_POSITIONS))
    common = f"{sizes} intermediate_size num_key_value_heads rms_norm_eps rope_parameters {used}"
    return _keys(title, config, common, f"initializer_range attention_dropout {without}", refused)


_QWEN = "hidden_act use_sliding_window sliding_window max_window_layers layer_types"
_SINCE_GEMMA_2 = (
    "head_dim hidden_activation attention_bias query_pre_attn_scalar sliding_window layer_types "
    "final_logit_softcapping"
)

KEYS: dict[str, Keys] = {
    "opt": _keys(
        "OPT",
        "OPTConfig",
        "vocab_size hidden_size num_hidden_layers num_attention_heads max_position_embeddings "
        "ffn_dim do_layer_norm_before _remove_final_layer_norm word_embed_proj_dim "
        "activation_function enable_bias layer_norm_elementwise_affine",
        "dropout attention_dropout layerdrop init_std",
    ),
    "gpt2": _keys(
        "GPT-2",
        "GPT2Config",
        "vocab_size n_positions n_embd n_layer n_head n_inner activation_function "
        "layer_norm_epsilon scale_attn_weights",
        # Reordered products differ by their rounding only.
        "resid_pdrop embd_pdrop attn_pdrop initializer_range summary_type summary_use_proj "
        "summary_activation summary_proj_to_labels summary_first_dropout reorder_and_upcast_attn",
        "scale_attn_by_inverse_layer_idx add_cross_attention",
    ),
    "gpt_neo": _keys(
        "GPT-Neo",
        "GPTNeoConfig",
        "vocab_size max_position_embeddings hidden_size num_layers num_heads attention_types "
        "intermediate_size window_size activation_function layer_norm_epsilon",
        "resid_dropout embed_dropout attention_dropout classifier_dropout initializer_range",
    ),
    "gpt_neox": _keys(
        "GPT-NeoX",
        "GPTNeoXConfig",
        "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
        "max_position_embeddings layer_norm_eps use_parallel_residual rope_parameters "
        "attention_bias",
        "attention_dropout hidden_dropout classifier_dropout initializer_range is_decoder",
    ),
    # Releases of transformers before 5 split products into pretraining_tp parts.
    "llama": _rotated(
        "Llama", "LlamaConfig", "hidden_act attention_bias mlp_bias head_dim", "pretraining_tp"
    ),
    "mistral": _rotated(
        "Mistral",
        "MistralConfig MinistralConfig",
        "hidden_act head_dim sliding_window layer_types",
    ),
    "qwen2": _rotated("Qwen 2", "Qwen2Config", _QWEN),
    "qwen3": _rotated("Qwen 3", "Qwen3Config", f"{_QWEN} head_dim attention_bias"),
    "phi3": _rotated(
        "Phi-3",
        "Phi3Config",
        "hidden_act original_max_position_embeddings sliding_window",
        "resid_pdrop embd_pdrop",
    ),
    "gemma": _rotated(
        "Gemma",
        "GemmaConfig",
        "head_dim hidden_act attention_bias",
        refused="use_bidirectional_attention",
    ),
    "gemma2": _rotated(
        "Gemma",
        "Gemma2Config",
        f"{_SINCE_GEMMA_2} attn_logit_softcapping",
        refused="use_bidirectional_attention",
    ),
    "gemma3": _rotated(
        "Gemma",
        "Gemma3TextConfig",
        _SINCE_GEMMA_2,
        "attn_logit_softcapping",  # Gemma3Attention reads it and does not use it.
        refused="use_bidirectional_attention",
    ),
}
