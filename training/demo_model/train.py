"""Training on one CPU thread, in an order that the seed alone decides."""

from __future__ import annotations

import copy
import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from demo_model.batches import Batches
from demo_model.model import IGNORED, score, targets, untrained
from demo_model.recipe import Recipe
from demo_model.text import Corpus
from demo_model.tokenizer import encoded

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import OPTForCausalLM

_log = logging.getLogger(__name__)


class Run:
    """One training run. It can be stopped at any time and goes on from its last measurement.

    Parameters
    ----------
    recipe : Recipe
    texts : Corpus
    tokenizer : tokenizers.Tokenizer
    folder : Path
        Keeps the state, and the averaged weights that measured best on the selection slice.
    """

    def __init__(self, recipe: Recipe, texts: Corpus, tokenizer: Tokenizer, folder: Path) -> None:
        self.recipe = recipe
        self.folder = folder
        self.texts = texts
        self.tokenizer = tokenizer
        self.selection = encoded(tokenizer, texts.selection)
        self.plays_selection = encoded(tokenizer, texts.plays_selection)
        self.model = untrained(recipe)
        self.average = copy.deepcopy(self.model)
        self.optimizers = optimizers(self.model, recipe)
        self.step = 0
        self.losses: list[float] = []
        self.curve: list[dict[str, float]] = []
        self._resume()

    def train(self) -> list[dict[str, float]]:
        """Go on to the last step. Returns the loss curve, in nats per token."""
        began = time.monotonic()
        batches = Batches(self.recipe, self.texts, self.tokenizer)
        while self.step < self.recipe.steps:
            torch.manual_seed(batches.dropout_seed(self.step))
            for windows in batches.after(self.step):
                self._learn(torch.from_numpy(windows))
                if self.step == self.recipe.steps:
                    break
            self._measure(time.monotonic() - began)
        return self.curve

    def _learn(self, windows: torch.Tensor) -> None:
        self.model.train()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate(self.recipe, self.step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(input_ids=windows, use_cache=False).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), targets(windows).flatten(), ignore_index=IGNORED
        )
        self.model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.losses.append(loss.item())
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average; at the beginning faster, so that the first weights are forgotten."""
        keep = min(self.recipe.averaging, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - keep)

    def _measure(self, seconds: float) -> None:
        recipe = self.recipe
        with torch.autocast("cpu", torch.bfloat16):
            wiki = score(self.average, self.selection, recipe.context - 1).loss
            plays = score(self.average, self.plays_selection, recipe.context - 1).loss
        best = min((point["selection"] for point in self.curve), default=math.inf)
        point = {
            "step": self.step,
            "training": sum(self.losses) / len(self.losses),
            "selection": wiki,
            "plays": plays,
        }
        self.curve.append(point)
        self.losses = []
        _log.info("%6.0f s: %s", seconds, {name: round(v, 4) for name, v in point.items()})
        if wiki < best:
            torch.save(self.average.state_dict(), self.folder / "best.pt")
        _save(self._state(), self.folder / "state.pt")

    def _state(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe.spelled(),
            "step": self.step,
            "curve": self.curve,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def _resume(self) -> None:
        path = self.folder / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["recipe"] != self.recipe.spelled():
            raise ValueError(f"{path} is of another recipe, {state['recipe']}: use another folder")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(held)
        self.step, self.curve = state["step"], state["curve"]


def rate(recipe: Recipe, step: int) -> float:
    """Learning rate: a linear warm-up, a plateau, and a linear way down to nothing."""
    up = (step + 1) / recipe.warm_up
    down = (recipe.steps - step) / (recipe.steps * recipe.cool_down)
    return recipe.peak_rate * min(1.0, up, down)


def optimizers(model: OPTForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and vectors."""
    named = list(model.named_parameters())
    inner = [p for name, p in named if p.ndim == 2 and ".layers." in name]
    outer = [p for name, p in named if p.ndim == 2 and ".layers." not in name]
    vectors = [p for _, p in named if p.ndim != 2]
    adam = torch.optim.AdamW(
        [
            {"params": outer, "weight_decay": recipe.decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.peak_rate,
        betas=recipe.betas,
        fused=True,
    )
    muon = torch.optim.Muon(
        inner,
        lr=recipe.peak_rate,
        weight_decay=recipe.decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [adam, muon]


def _save(state: dict[str, Any], path: Path) -> None:
    """Whole or not at all: a run may be killed while it writes."""
    draft = path.with_suffix(".draft")
    torch.save(state, draft)
    draft.replace(path)
