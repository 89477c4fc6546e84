"""``python -m demo_model --text FOLDER --output FOLDER``: train, store, measure, write the card."""

from __future__ import annotations

import argparse
import logging
import platform
from pathlib import Path
from typing import Any

import torch
import transformers

from demo_model import card, measure, text, tokenizer
from demo_model.export import export
from demo_model.model import score
from demo_model.recipe import Recipe
from demo_model.train import Run
from demo_model.trigram import Baseline

_log = logging.getLogger(__name__)


def main() -> None:
    """The whole recipe; a run that was stopped goes on."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = _arguments()
    torch.set_num_threads(1)
    recipe = Recipe()
    texts = text.corpus(chosen.text)
    chosen.work.mkdir(parents=True, exist_ok=True)
    learned = tokenizer.trained(texts.wiki + texts.plays, recipe.vocabulary)
    run = Run(recipe, texts, learned, chosen.work)
    run.train()
    export(recipe, learned, chosen.work / "best.pt", chosen.output)
    _describe(run, chosen.text, chosen.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m demo_model", description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="folder of the public texts")
    parser.add_argument("--output", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the state")
    return parser.parse_args()


def _describe(run: Run, folder: Path, output: Path) -> None:
    """Measure what was stored, and write its card."""
    model = measure.stored(output)
    baseline = Baseline(run.tokenizer, run.texts)
    articles = text.held_out(folder)
    raw = (folder / text.HELD_OUT_FILE).read_text(encoding="utf-8")
    texts = {"held_out": articles, "part": articles[: measure.PART], "as_is": [raw]}
    figures = {
        name: measure.figures(model, baseline, run.tokenizer, documents)
        for name, documents in texts.items()
    }
    facts = _facts(run, baseline) | {
        "selection_opt": f"{score(model, run.selection, measure.STRIDE).perplexity:.2f}",
        "selection_trigram": f"{baseline.perplexity(run.selection):.2f}",
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
    }
    card.write(output, figures, run.curve, facts)
    for name, figure in figures.items():
        _log.info("%s: %s", name, figure)


def _facts(run: Run, baseline: Baseline) -> dict[str, Any]:
    recipe, texts = run.recipe, run.texts
    counts = {
        "wiki_tokens": len(tokenizer.encoded(run.tokenizer, texts.wiki)),
        "plays_tokens": len(tokenizer.encoded(run.tokenizer, texts.plays)),
        "selection_tokens": len(run.selection),
        "learned_tokens": recipe.tokens,
    }
    return {
        **vars(recipe),
        **{name: f"{count:,}" for name, count in counts.items()},
        "wiki_articles": len(texts.wiki),
        "selection_articles": len(texts.selection),
        "cool_steps": round(recipe.steps * recipe.cool_down),
        "best": min(run.curve, key=lambda point: point["selection"])["step"],
        "mixture": " and ".join(f"{weight:.2f}" for weight in baseline.weights),
        "stride": measure.STRIDE,
        "seen": recipe.context - measure.STRIDE,
        "held": recipe.context - 1,
        "part_articles": measure.PART,
        "versions": f"torch {torch.__version__}, transformers {transformers.__version__}, "
        f"Python {platform.python_version()}",
    }


if __name__ == "__main__":
    main()
