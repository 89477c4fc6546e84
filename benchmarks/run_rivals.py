"""This project and peers that run models, each asked in processes of its own: what installs.

    CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama-cpp-python llama-cpp-python
    pip install ctranslate2 onnxruntime onnx transformers
    python benchmarks/synthetic_models.py llama-3.2-1b opt-1.3b smollm2-135m --out FOLDER
    python benchmarks/run_rivals.py --models FOLDER --threads 1 2 --json

The environment variable MEADOW_PEERS_PYTHON names the interpreter that has them, if it is not this
one. A peer that is not there is in the result as {"missing": why}, one that broke as
{"failed": the end of what it said}.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Figures = dict[str, Any]

SCRIPTS = Path(__file__).parent / "peers"
TIMEOUT_S = 1800


@dataclass(frozen=True)
class ModelPeer:
    """Runs what `file` of a folder of synthetic_models.py holds."""

    script: str
    file: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProductPeer:
    """Multiplies one matrix, stored in `form`, with one vector."""

    script: str
    form: str
    settings: dict[str, Any] = field(default_factory=dict)


OURS = "meadow_model.py"
MODEL_PEERS = {
    "meadow dense": ModelPeer(OURS, "hugging_face", {"form": "dense", "mapped": False}),
    "meadow dense, mapped": ModelPeer(OURS, "hugging_face", {"form": "dense", "mapped": True}),
    "meadow dense, activations BF16": ModelPeer(
        OURS, "hugging_face", {"form": "dense", "mapped": False, "activations": "BF16"}
    ),
    "meadow packed, activations BF16": ModelPeer(
        OURS, "hugging_face", {"form": "packed", "mapped": False, "activations": "BF16"}
    ),
    "meadow packed": ModelPeer(OURS, "hugging_face", {"form": "packed", "mapped": False}),
    "meadow INT8, per row": ModelPeer(OURS, "hugging_face", {"form": "int8", "mapped": False}),
    "meadow INT8, per tensor": ModelPeer(
        OURS, "hugging_face", {"form": "int8-tensor", "mapped": False}
    ),
    "meadow q8": ModelPeer(OURS, "hugging_face", {"form": "q8", "mapped": False}),
    "llama.cpp BF16": ModelPeer("llama_cpp_model.py", "bf16.gguf", {"mmap": True}),
    "llama.cpp BF16, no mmap": ModelPeer("llama_cpp_model.py", "bf16.gguf", {"mmap": False}),
    "llama.cpp Q8_0": ModelPeer("llama_cpp_model.py", "q8_0.gguf", {"mmap": True}),
    "llama.cpp Q8_0, no mmap": ModelPeer("llama_cpp_model.py", "q8_0.gguf", {"mmap": False}),
    "CTranslate2 INT8": ModelPeer(
        "ctranslate2_model.py", "ctranslate2_int8", {"compute_type": "int8"}
    ),
    "Transformers BF16": ModelPeer("transformers_model.py", "hugging_face", {"dtype": "bfloat16"}),
    "Transformers F32": ModelPeer("transformers_model.py", "hugging_face", {"dtype": "float32"}),
}
PRODUCT_PEERS = {
    "ggml BF16": ProductPeer("ggml_product.py", "BF16"),
    "ggml Q8_0": ProductPeer("ggml_product.py", "Q8_0"),
    "ggml Q4_0": ProductPeer("ggml_product.py", "Q4_0"),
    "torch BF16": ProductPeer("torch_product.py", "BF16"),
    "torch BF16, no oneDNN": ProductPeer("torch_product.py", "BF16, mv"),
    "torch INT8": ProductPeer("torch_product.py", "INT8"),
    "torch qint8": ProductPeer("torch_product.py", "QINT8"),
    "onnxruntime INT8, blocks of 32": ProductPeer("onnxruntime_product.py", "INT8", {"block": 32}),
    "onnxruntime INT8, blocks of 128": ProductPeer(
        "onnxruntime_product.py", "INT8", {"block": 128}
    ),
    "onnxruntime INT4, blocks of 32": ProductPeer("onnxruntime_product.py", "INT4", {"block": 32}),
}
# What of a model is asked, unless the caller says otherwise.
MODEL_REQUEST = {"prompt_tokens": 16, "decode_tokens": 48, "prefill": [128, 512], "repeats": 3}
PRODUCT_REQUEST = {"rows": 65536, "columns": 4096, "copies": 1, "repeats": 9, "least_seconds": 1.0}


def measure(peer: str, model: Path, threads: int, **settings: Any) -> Figures:
    """Tokens per second of one peer on one model of `synthetic_models.py`.

    Parameters
    ----------
    peer : str
        A name of MODEL_PEERS.
    model : Path
        A folder that synthetic_models.py wrote.
    threads : int
    **settings
        In the place of MODEL_REQUEST.

    Returns
    -------
    dict
        `decode_tokens_s` (median, the prompt not in it), `prefill_128_tokens_s`,
        `prefill_512_tokens_s`, the runs of each, `tokens` (greedy), `first_token` and `logits`
        (the first 1024) behind the prompt, `rss_anon_bytes`, `rss_file_bytes`, `version`; or
        `missing`; or `failed`.
    """
    about = MODEL_PEERS[peer]
    path = model / about.file
    if not path.exists():
        return {"peer": peer, "threads": threads, "missing": f"{path}: no such file"}
    config = json.loads((model / "hugging_face" / "config.json").read_text())
    request = {**MODEL_REQUEST, **about.settings, **settings}
    request |= {"path": str(path), "vocab": config["vocab_size"], "threads": threads}
    return {"peer": peer, "model": model.name, "threads": threads, **_ask(about.script, request)}


def distance(ours: list[float], theirs: list[float]) -> float:
    """Between two peers' `logits`, as a share of their length; small if one model made both."""
    a, b = np.array(ours), np.array(theirs)
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def measure_product(peer: str, threads: int, **settings: Any) -> Figures:
    """Seconds of one matrix x vector of one peer, checked against numpy.

    Parameters
    ----------
    peer : str
        A name of PRODUCT_PEERS.
    threads : int
    **settings
        `rows`, `columns`, `copies` and others in the place of PRODUCT_REQUEST.

    Returns
    -------
    dict
        `seconds` (median of one product), `best_seconds`, `bytes`, `bits_per_weight`, `gb_s`,
        `giga_weights_s`, `relative_error`, `version`; or `missing`; or `failed`.
    """
    about = PRODUCT_PEERS[peer]
    request = {**PRODUCT_REQUEST, **about.settings, **settings}
    request |= {"form": about.form, "threads": threads}
    shape = {name: request[name] for name in ("rows", "columns", "copies")}
    return {"peer": peer, "threads": threads, **shape, **_ask(about.script, request)}


def _ask(script: str, request: dict[str, Any]) -> Figures:
    theirs = os.environ.get("MEADOW_PEERS_PYTHON", sys.executable)
    python = sys.executable if script == OURS else theirs
    threads = str(request["threads"])
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    command = [python, str(SCRIPTS / script), json.dumps(request)]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {TIMEOUT_S} s"}
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return {"failed": done.stderr[-2000:] or f"exit code {done.returncode}"}
    figures: Figures = json.loads(lines[-1])
    return figures


def all_figures(options: argparse.Namespace) -> Iterator[Figures]:
    """One after the other; rounds outside, so that a slow minute does not hit one peer alone."""
    for _ in range(options.rounds):
        for threads in options.threads:
            for peer in options.products:
                yield measure_product(peer, threads, rows=options.rows, columns=options.columns)
            for model in options.model_folders:
                for peer, about in MODEL_PEERS.items():
                    if peer in options.peers and (model / about.file).exists():
                        yield measure(peer, model, threads)


def line(figures: Figures) -> str:
    """One row of a table."""
    what = figures.get("model", f"{figures.get('rows')} x {figures.get('columns')}")
    start = f"{figures['peer']:34} {what:16} {figures['threads']} threads  "
    if "missing" in figures or "failed" in figures:
        return start + str({k: v for k, v in figures.items() if k in {"missing", "failed"}})
    if "seconds" in figures:
        return start + (
            f"{1e3 * figures['seconds']:9.2f} ms {figures['gb_s']:7.1f} GB/s "
            f"{figures['giga_weights_s']:7.2f} Gw/s  error {figures['relative_error']:.4f}"
        )
    prefill = [
        f"{key.split('_')[1]}: {value:.1f}"
        for key, value in figures.items()
        if key.startswith("prefill_") and "runs" not in key
    ]
    return start + f"decode {figures['decode_tokens_s']:7.2f} tokens/s  prefill {prefill}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, help="a folder that synthetic_models.py wrote")
    parser.add_argument("--peers", nargs="*", choices=MODEL_PEERS, default=list(MODEL_PEERS))
    parser.add_argument("--products", nargs="*", choices=PRODUCT_PEERS, default=list(PRODUCT_PEERS))
    parser.add_argument("--rows", type=int, default=PRODUCT_REQUEST["rows"])
    parser.add_argument("--columns", type=int, default=PRODUCT_REQUEST["columns"])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object a line on stdout")
    options = parser.parse_args()
    folders = sorted(options.models.iterdir()) if options.models else []
    options.model_folders = [f for f in folders if (f / "hugging_face").is_dir()]
    for figures in all_figures(options):
        print(json.dumps(figures) if options.json else line(figures), flush=True)


if __name__ == "__main__":
    main()
