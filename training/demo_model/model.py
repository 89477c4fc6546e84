"""The model: Transformers' own OPT, small, and its perplexity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from demo_model.recipe import Recipe
from demo_model.tokenizer import END_ID, UNKNOWN_ID

if TYPE_CHECKING:
    from transformers import OPTConfig, OPTForCausalLM

IGNORED = -100  # a target that no loss counts


class Score(NamedTuple):
    """Of how many tokens, and the sum of their negative log-likelihoods in nats."""

    nats: float
    tokens: int

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """Per token."""
        return math.exp(self.loss)


def configuration(recipe: Recipe) -> OPTConfig:
    """What stands in ``config.json``. The feed-forward's relu and tied embeddings are OPT's."""
    from transformers import OPTConfig

    return OPTConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        ffn_dim=recipe.inner,
        num_attention_heads=recipe.heads,
        word_embed_proj_dim=recipe.width,
        max_position_embeddings=recipe.context,
        dropout=recipe.dropout,
        attention_dropout=0.0,
        attn_implementation="eager",
        activation_function="relu",
        do_layer_norm_before=True,
        bos_token_id=END_ID,
        eos_token_id=END_ID,
        pad_token_id=1,
    )


def untrained(recipe: Recipe) -> OPTForCausalLM:
    """OPT as it is initialised: normal with a spread of 0.02."""
    from transformers import OPTForCausalLM

    torch.manual_seed(recipe.seed)
    return OPTForCausalLM(configuration(recipe))


def targets(windows: torch.Tensor) -> torch.Tensor:
    """What each position but the last should say next; masked words count nowhere."""
    following = windows[:, 1:]
    return following.masked_fill(following == UNKNOWN_ID, IGNORED)


def windows_of(
    stream: npt.NDArray[np.int64], context: int, stride: int
) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Windows that begin with ``</s>``, and how many of their last tokens are scored.

    Every token of the stream is scored in exactly one window. The first window scores all its
    ``context - 1`` tokens, each later one its last `stride`, which so see at least
    ``context - stride`` tokens before them, the ``</s>`` among them.
    """
    held = context - 1
    done = 0
    while done < len(stream):
        end = min(len(stream), held if done == 0 else done + stride)
        begin = max(0, end - held)
        yield np.concatenate(([END_ID], stream[begin:end])), end - done
        done = end


@torch.no_grad()
def score(
    model: OPTForCausalLM, stream: npt.NDArray[np.int64], stride: int, batch: int = 16
) -> Score:
    """How well a model foretells a stream of ids, with a sliding window. See `windows_of`."""
    model.eval()
    context: int = model.config.max_position_embeddings
    nats, tokens = 0.0, 0
    pairs = list(windows_of(stream, context, stride))
    for start in range(0, len(pairs), batch):
        rows = torch.ones((min(batch, len(pairs) - start), context), dtype=torch.int64)
        wanted = torch.full((len(rows), context - 1), IGNORED)
        for row, want, (window, scored) in zip(rows, wanted, pairs[start:], strict=False):
            row[: len(window)] = torch.from_numpy(window)
            last = len(window) - 1
            want[last - scored : last] = targets(row[None, : len(window)])[0, last - scored :]
        logits = model(input_ids=rows, use_cache=False).logits[:, :-1].float()
        nats += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="sum"
        ).item()
        tokens += int((wanted != IGNORED).sum())
    return Score(nats, tokens)
