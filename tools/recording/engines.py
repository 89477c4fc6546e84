"""Logits, texts and products, once for every instruction set of this CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recording.forking import places_of
from recording.inputs import FAMILIES, bf16, noise, stored, whole_numbers
from recording.masks import masked
from recording.store import Recorder

FORMS = ("dense", "packed", "int8", "int8-tensor", "q8")
ACTIVATIONS = ("F32", "BF16")
PROMPT = 24  # tokens
_SHAPES = ((1, 32), (3, 64), (37, 96), (64, 160), (130, 288))
_TOKENS = (1, 2, 5, 17)


def record(recorder: Recorder, folder: Path) -> None:
    """Record everything that must not depend on the instruction set."""
    for label in FAMILIES:
        _models(recorder, f"logits/{label}", folder / label)
    for name in ("demo", "tiny", "tiny-f16"):
        _models(recorder, f"logits/{name}", folder / name)
    for dtype in ("F32", "F16", "BF16"):
        _models(recorder, f"logits/gguf-{dtype}", folder / f"tiny-{dtype}.gguf")
    _needing_gguf(recorder, folder)
    _texts(recorder, folder)
    _products(recorder)
    _integer_products(recorder)
    _test_data(recorder)


def _models(recorder: Recorder, key: str, source: Path) -> None:
    for form in FORMS:
        for activations in ACTIVATIONS:
            recorder.attempt(f"{key}/{form}/{activations}", _logits(source, form, activations))
    recorder.attempt(f"{key}/dense/converted-to-BF16", _logits(source, "dense", "F32", "BF16"))


def _logits(
    source: Path, form: str, activations: str, dtype: str | None = None
) -> Callable[[], Any]:
    def compute() -> Any:
        import meadow_py as mp

        options: dict[str, Any] = {"form": form, "activations": activations, "dtype": dtype}
        with mp.load(source, **options) as model:
            vocab = 101 if source.name != "demo" else 320
            return model.logits(whole_numbers("prompt", 3, vocab, PROMPT).tolist())

    return compute


def _needing_gguf(recorder: Recorder, folder: Path) -> None:
    try:
        import gguf  # noqa: F401 - whether it is there
    except ImportError:
        recorder.skip("logits/gguf-Q8_0/*", "the package gguf is missing")
        return
    _models(recorder, "logits/gguf-Q8_0", folder / "tiny-Q8_0.gguf")


def _texts(recorder: Recorder, folder: Path) -> None:
    import meadow_py as mp

    with mp.load(folder / "demo", form="packed") as model:
        places = places_of(folder)
        recorder.attempt("run/repr", lambda: masked(f"{model!r}\n{model.forms}\n", (), places))
        for seed in range(4):
            chosen: dict[str, Any] = {
                "temperature": 0.5 + 0.3 * seed, "top_k": 40 * (seed % 2), "top_p": 0.95,
                "min_p": 0.01 * seed, "repetition_penalty": 1.0 + 0.1 * seed, "seed": seed,
            }  # fmt: skip
            recorder.attempt(f"run/sampled/{seed}", lambda chosen=chosen: _generated(model, chosen))
        stops = {"stop": ["the", " of"], "logprobs": True}
        recorder.attempt("run/greedy", lambda: _generated(model, {"logprobs": True}))
        recorder.attempt("run/stopped", lambda: _generated(model, stops))
        recorder.attempt("run/ids", lambda: _generated(model, {"ignore_eos": True}, [2, 55, 261]))
        text = "The history of the house. " * 12
        recorder.attempt(
            "run/perplexity", lambda: repr(model.perplexity(text, context=64, stride=24).value)
        )


def _generated(model: Any, options: dict[str, Any], prompt: Any = "The history of the") -> str:
    made = model.generate(prompt, max_tokens=48, **options)
    lines = [f"{token.id} {token.text!r} {token.logprob!r}" for token in made]
    return "\n".join([*lines, f"{made.text!r}", f"{made.finish_reason}", ""])


def _activations(columns: int, tokens: int) -> Any:
    return noise(f"x {columns} {tokens}", tokens, columns)


def _matrices(rows: int, columns: int) -> dict[str, Callable[[], Any]]:
    """Makers of every form of floats, by name."""
    from meadow_py import _core

    values = noise(f"w {rows} {columns}", rows, columns) * np.float32(0.1)
    cut = (bf16(values).astype(np.uint32) << 16).view(np.float32)

    def raw(dtype: str, of: Any = values) -> Any:
        return np.frombuffer(stored(of, dtype), np.uint8)

    def mapped() -> Any:
        blob = _core.encode_planes(raw("BF16"), "BF16", rows, columns)
        return None if blob is None else _core.mapped_matrix(blob)

    return {
        "dense-F32": lambda: _core.dense_matrix(raw("F32"), "F32", rows, columns),
        "dense-F16": lambda: _core.dense_matrix(raw("F16"), "F16", rows, columns),
        "dense-BF16": lambda: _core.dense_matrix(raw("BF16"), "BF16", rows, columns),
        "packed-BF16": lambda: _core.bf16_planes_matrix(raw("BF16"), "BF16", rows, columns),
        "packed-F32": lambda: _core.bf16_planes_matrix(raw("F32", cut), "F32", rows, columns),
        "packed-F16": lambda: _core.f16_planes_matrix(raw("F16"), rows, columns),
        "mapped": mapped,
    }


def _products(recorder: Recorder) -> None:
    for rows, columns in _SHAPES:
        for name, make in _matrices(rows, columns).items():
            _multiply(recorder, f"products/{name}/{rows}x{columns}", make)


def _multiply(recorder: Recorder, key: str, make: Callable[[], Any]) -> None:
    """Record a matrix's size and form, its last row, and products of several numbers of tokens."""

    def described() -> str:
        matrix = make()
        return "none\n" if matrix is None else f"{matrix.form}, {matrix.nbytes} bytes\n"

    def products() -> Any:
        matrix = make()
        if matrix is None:
            return "none\n"
        found = [matrix.row(matrix.rows - 1)]
        for tokens in _TOKENS:
            x = _activations(matrix.columns, tokens)
            for activations in ACTIVATIONS:
                found += [matrix.multiply(x, t, activations).reshape(-1) for t in (1, 2)]
        return np.concatenate(found)

    recorder.attempt(f"{key}/form", described)
    recorder.attempt(f"{key}/products", products)


def _integer_products(recorder: Recorder) -> None:
    from meadow_py import _core

    for rows, columns in _SHAPES:
        values = noise(f"w {rows} {columns}", rows, columns) * np.float32(0.1)
        for per_scale in sorted({0, columns, 32}):
            inputs = per_scale or columns
            count = 1 if per_scale == 0 else rows * columns // inputs
            codes = whole_numbers(f"c {rows} {columns}", -127, 128, rows, columns).astype(np.int8)
            scales = np.abs(noise(f"s {rows} {columns} {per_scale}", count)) + np.float32(0.01)
            for packed in (False, True):
                for rounded in ("int8", "none"):
                    key = f"products/integer/{rows}x{columns}/{per_scale}/{packed}/{rounded}"
                    _multiply(
                        recorder,
                        key,
                        lambda a=(codes, scales, per_scale, packed, rounded): _core.integer_matrix(
                            *a
                        ),
                    )
        quantised = _core.quantize_q8(values, "w")
        for packed in (False, True):
            for rounded in ("int8", "none"):
                key = f"products/q8/{rows}x{columns}/{packed}/{rounded}"
                _multiply(
                    recorder,
                    key,
                    lambda a=(*quantised[:3], packed, rounded): _core.q8_matrix(*a),
                )


def _test_data(recorder: Recorder) -> None:
    """Logits of real weights."""
    root = os.environ.get("MEADOW_TEST_DATA")
    for name in ("babyllama-105", "stories260K"):
        source = Path(root or "/nowhere") / "weights" / name
        if not (source / "model.safetensors").is_file():
            recorder.skip(f"data/{name}/*", "MEADOW_TEST_DATA does not hold it")
            continue
        for form in FORMS:
            recorder.attempt(f"data/{name}/{form}", _logits(source, form, "F32"))
