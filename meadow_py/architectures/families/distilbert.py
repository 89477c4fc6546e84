"""DistilBERT (`DistilBertForMaskedLM`)."""

from __future__ import annotations

from meadow_py.architectures.family import Family, Row

_LAYER = "transformer.layer.#."
_BLOCK = (
    Row(_LAYER + "attention.q_lin", "attention.q", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.k_lin", "attention.k", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.v_lin", "attention.v", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "attention.out_lin", "attention.o", ("hidden", "hidden"), bias=True),
    Row(_LAYER + "sa_layer_norm", "norm", ("hidden",), bias=True),
    Row(_LAYER + "ffn.lin1", "mlp.up", ("intermediate", "hidden"), bias=True),
    Row(_LAYER + "ffn.lin2", "mlp.down", ("hidden", "intermediate"), bias=True),
    Row(_LAYER + "output_layer_norm", "norm", ("hidden",), bias=True),
)

DISTILBERT = Family(
    name="distilbert",
    model_types=("distilbert",),
    tied=True,
    prefix="distilbert.",
    before=(
        Row("embeddings.word_embeddings", "embedding", ("vocab", "hidden")),
        Row("embeddings.position_embeddings", "embedding", ("positions", "hidden")),
        Row("embeddings.LayerNorm", "norm", ("hidden",), bias=True),
    ),
    block=_BLOCK,
    head=(
        Row("vocab_transform", "other", ("hidden", "hidden"), bias=True),
        Row("vocab_layer_norm", "norm", ("hidden",), bias=True),
        Row("vocab_projector", "head", ("vocab", "hidden"), bias=True),
    ),
    signature=(_LAYER + "attention.q_lin",),
)
