"""Run a model: its checkpoint becomes an engine, tokens become text."""

from __future__ import annotations

from meadow_py.run.bench_result import Bench, FormBench
from meadow_py.run.bench_runs import bench
from meadow_py.run.generation import Generation, Timing, Token
from meadow_py.run.loaded import load
from meadow_py.run.model import Model
from meadow_py.run.perplexity import Perplexity
from meadow_py.run.tokenizer import Tokenizer

__all__ = [
    "Bench",
    "FormBench",
    "Generation",
    "Model",
    "Perplexity",
    "Timing",
    "Token",
    "Tokenizer",
    "bench",
    "load",
]
