"""BERT, and the encoders that keep its names: RoBERTa, XLM-R, CamemBERT, ELECTRA, MiniLM."""

from __future__ import annotations

from dataclasses import replace

from meadow_py.architectures.dimensions import Config, Dimensions, size_in
from meadow_py.architectures.family import Facts, Family, Row


def _facts(config: Config, sizes: Dimensions) -> Facts:
    classes = config.get("architectures")
    name = str(classes[0]) if isinstance(classes, (list, tuple)) and classes else "ForMaskedLM"
    return {
        "types": size_in(config, "type_vocab_size", 2),
        # Models with a head over single tokens come without the pooler.
        "pooled": not name.endswith(("MaskedLM", "TokenClassification", "Answering")),
    }


_LAYER = "encoder.layer.#."
_BLOCK = (
    Row(_LAYER + "attention.self.query", "attention.q", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.self.key", "attention.k", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.self.value", "attention.v", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.output.dense", "attention.o", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.output.LayerNorm", "norm", ("hidden",), bias=True),
    Row(_LAYER + "intermediate.dense", "mlp.up", ("intermediate", "hidden"), bias=True),
    Row(_LAYER + "output.dense", "mlp.down", ("hidden", "intermediate"), bias=True),
    Row(_LAYER + "output.LayerNorm", "norm", ("hidden",), bias=True),
)

BERT = Family(
    name="bert",
    model_types=("bert",),
    tied=True,
    prefix="bert.",
    before=(
        Row("embeddings.word_embeddings", "embedding", ("vocab", "hidden")),
        Row("embeddings.position_embeddings", "embedding", ("positions", "hidden")),
        Row("embeddings.token_type_embeddings", "embedding", ("types", "hidden")),
        Row("embeddings.LayerNorm", "norm", ("hidden",), bias=True),
    ),
    block=_BLOCK,
    after=(Row("pooler.dense", "other", ("hidden", "hidden"), bias=True, when="pooled"),),
    head=(
        Row("cls.predictions.transform.dense", "other", ("hidden", "hidden"), bias=True),
        Row("cls.predictions.transform.LayerNorm", "norm", ("hidden",), bias=True),
        Row("cls.predictions", "other", ("vocab",), leaf="bias"),
        Row("cls.predictions.decoder", "head", ("vocab", "hidden")),
    ),
    signature=(_LAYER + "attention.self.query",),
    facts=_facts,
)

ROBERTA = replace(
    BERT,
    name="roberta",
    model_types=("roberta", "xlm-roberta", "camembert"),
    prefix="roberta.",
    head=(
        Row("lm_head.dense", "other", ("hidden", "hidden"), bias=True),
        Row("lm_head.layer_norm", "norm", ("hidden",), bias=True),
        Row("lm_head", "other", ("vocab",), leaf="bias"),
        Row("lm_head.decoder", "head", ("vocab", "hidden")),
    ),
    signature=("roberta." + _LAYER + "attention.self.query",),
)
