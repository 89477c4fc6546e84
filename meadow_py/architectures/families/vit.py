"""Vision transformers (`ViTForImageClassification`), and DeiT, which adds a distillation token."""

from __future__ import annotations

from collections.abc import Mapping

from meadow_py.architectures.dimensions import Config, Dimensions, size_in
from meadow_py.architectures.family import Facts, Family, Row

# Published files spell the first name; releases of transformers from 5 on save the second.
_BLOCK = (
    Row("encoder.layer.#.attention.attention.query", "attention.q"),
    Row("layers.#.attention.q_proj", "attention.q"),
    Row("encoder.layer.#.attention.attention.key", "attention.k"),
    Row("layers.#.attention.k_proj", "attention.k"),
    Row("encoder.layer.#.attention.attention.value", "attention.v"),
    Row("layers.#.attention.v_proj", "attention.v"),
    Row("encoder.layer.#.attention.output.dense", "attention.o"),
    Row("layers.#.attention.o_proj", "attention.o"),
    Row("encoder.layer.#.intermediate.dense", "mlp.up"),
    Row("layers.#.mlp.fc1", "mlp.up"),
    Row("encoder.layer.#.output.dense", "mlp.down"),
    Row("layers.#.mlp.fc2", "mlp.down"),
    Row("encoder.layer.#.layernorm_before", "norm"),
    Row("layers.#.layernorm_before", "norm"),
    Row("encoder.layer.#.layernorm_after", "norm"),
    Row("layers.#.layernorm_after", "norm"),
)


def facts(config: Config, sizes: Dimensions) -> Facts:
    """Tokens of an image, values of a patch, and classes; ViTConfig's defaults where left out."""
    patch = size_in(config, "patch_size", 16)
    patches = (size_in(config, "image_size", 224) // patch) ** 2
    labels = config.get("id2label")
    named = len(labels) if isinstance(labels, Mapping) else 2
    return {
        "tokens": patches + (2 if config.get("model_type") == "deit" else 1),
        "patch_values": size_in(config, "num_channels", 3) * patch * patch,
        "classes": size_in(config, "num_labels", named),
    }


VIT = Family(
    name="vit",
    model_types=("vit", "deit"),
    before=(Row("embeddings.patch_embeddings.projection", "embedding", stacked=True),),
    block=_BLOCK,
    after=(Row("layernorm", "norm"),),
    head=(Row("classifier", "head"),),
    facts=facts,
    defaults={"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072},
    expected=False,
)
