"""The model card: what it claims is measured again."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meadow_py import demo

TRAINING = Path(__file__).parents[3] / "training"


@pytest.fixture(scope="module")
def card() -> str:
    return (demo.folder() / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def claims(card: str) -> dict[str, dict[str, float]]:
    """The figures of its metadata: ``{text: {metric: value}}``."""
    yaml = pytest.importorskip("yaml")
    metadata = yaml.safe_load(card.split("---\n")[1])
    results = metadata["model-index"][0]["results"]
    return {
        result["dataset"]["config"]: {m["name"]: m["value"] for m in result["metrics"]}
        for result in results
    }


@pytest.fixture(scope="module")
def training() -> Iterator[Any]:
    """Imports a module of the training code. Its folder is on the path only meanwhile."""
    pytest.importorskip("torch")
    pytest.importorskip("tokenizers")

    def imported(name: str) -> ModuleType:
        return importlib.import_module(f"demo_model.{name}")

    sys.path.insert(0, str(TRAINING))
    yield imported
    sys.path.remove(str(TRAINING))
    for name in [name for name in sys.modules if name.split(".")[0] == "demo_model"]:
        del sys.modules[name]


def test_it_says_what_a_card_must_say(card: str) -> None:
    for heading in ("Recipe", "Data and licences", "Loss", "Held-out text", "What it is not for"):
        assert f"\n## {heading}\n" in card
    assert "$" not in card  # nothing of its template was left unfilled


def test_the_metadata_is_what_the_table_says(card: str, claims: dict) -> None:
    assert claims
    for figures in claims.values():
        for value in figures.values():
            assert f"{value:.2f}" in card.split("---\n", 2)[2] or f"{value:.3f}" in card


def test_it_beats_the_trigram_on_every_text(claims: dict) -> None:
    assert set(claims) == {"held_out", "part", "as_is"}
    for figures in claims.values():
        assert figures["OPT perplexity"] < figures["trigram perplexity"]


def test_perplexity_and_bits_per_byte_agree(claims: dict) -> None:
    assert claims
    for figures in claims.values():
        ratio = math.log(figures["OPT perplexity"]) / math.log(figures["trigram perplexity"])
        bits = figures["OPT bits per byte"] / figures["trigram bits per byte"]
        assert bits == pytest.approx(ratio, rel=1e-3)


def test_the_figures_of_a_part_come_out_again(
    claims: dict, training: Any, shared_data: Path
) -> None:
    """The stored F16 weights and the trigram, on the first held-out articles."""
    from tokenizers import Tokenizer

    measure, text = training("measure"), training("text")
    folder = shared_data / "text"
    tokenizer = Tokenizer.from_file(str(demo.folder() / "tokenizer.json"))
    baseline = training("trigram").Baseline(tokenizer, text.corpus(folder))
    articles = text.held_out(folder)[: measure.PART]
    found = measure.figures(measure.stored(demo.folder()), baseline, tokenizer, articles)
    claimed = claims["part"]
    # Other CPUs add up in another order: the fifth digit may differ.
    assert found.perplexity == pytest.approx(claimed["OPT perplexity"], abs=0.01)
    assert found.trigram == pytest.approx(claimed["trigram perplexity"], abs=0.01)
    assert found.bits_per_byte == pytest.approx(claimed["OPT bits per byte"], abs=0.001)
    assert found.perplexity < found.trigram
