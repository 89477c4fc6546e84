"""This host as a device: what its products attain, what that predicts, and what decoding does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import meadow_py as mp
from meadow_py import _core, measure, workload
from meadow_py.devices import Device
from meadow_py.devices.measured import measure_device
from meadow_py.simulator import Decoder, Ratio, simulate

FORMS = ("dense", "packed")
PROMPT, TOKENS, ROUNDS = 16, 4, 31
PRECISION = "w16a32kv32"  # BF16 weights, F32 activations and cache: what the engine does


class Host:
    """Measured rates of this machine."""

    def __init__(self, folder: str) -> None:
        self.device = measure_device(folder)

    def compare(self, folder: Path) -> list[dict[str, Any]]:
        """Tokens/s predicted from products, and measured in turn with them, dense and packed."""
        models = {form: mp.load(folder, form=form, dtype="BF16", mapped=False) for form in FORMS}
        tasks = {f"products {form}": _products(model) for form, model in models.items()}
        tasks |= {f"decode {form}": _decoding(model) for form, model in models.items()}
        tasks["calls"] = _calls(len(_read(models["dense"])))
        times = measure.in_turn(tasks, rounds=ROUNDS)
        weights = _weights(models["dense"])
        calls = times["calls"].seconds  # from Python, which the engine does not make
        rates = {
            form: weights * TOKENS / (times[f"products {form}"].seconds - calls) for form in FORMS
        }
        nbytes = {form: models[form].bytes_per_token for form in FORMS}
        shape = workload.shape_of(folder)
        predicted = self._predicted(shape, rates, nbytes)
        cached = nbytes["dense"] < measure.host().last_level_cache_bytes
        label = f"{shape.family}, {weights / 1e6:.1f} M weights{', in cache' if cached else ''}"
        return [
            {
                "name": f"{label}, {form}, tokens/s",
                "in_cache": cached,
                "predicted": predicted[form],
                "measured": TOKENS / times[f"decode {form}"].seconds,
                "products_weights_per_second": rates[form],
                "bytes_per_token": nbytes[form],
            }
            for form in FORMS
        ]

    def _predicted(
        self, shape: workload.ModelShape, rates: dict[str, float], nbytes: dict[str, int]
    ) -> dict[str, float]:
        """From the most that products of any form read, and the pace of each form's kernel."""
        bits = {form: 16 * nbytes[form] / nbytes["dense"] for form in FORMS}
        device = self.device.with_bandwidth(max(rates[form] * bits[form] / 8 for form in FORMS))
        return {form: self._tokens_per_s(shape, device, bits[form], rates[form]) for form in FORMS}

    def _tokens_per_s(
        self, shape: workload.ModelShape, device: Device, bits: float, rate: float
    ) -> float:
        packing = Ratio(16 / bits, decoder=Decoder(weights_per_second=rate))
        made = simulate(
            shape,
            device=device,
            precision=PRECISION,
            packing=packing,
            prompt=PROMPT,
            context=PROMPT + TOKENS // 2,
        )
        assert made.tokens_per_s is not None
        return made.tokens_per_s


def _read(model: mp.Model) -> list[Any]:
    """The matrices that a token multiplies with, in order; a tied head is the embedding."""
    matrices = dict(model.loaded.matrices)
    head = matrices.pop("head", matrices["embedding"])
    blocks = [one for name, one in matrices.items() if name.startswith("layers.")]
    return [*blocks, head]


def _weights(model: mp.Model) -> int:
    return sum(matrix.rows * matrix.columns for matrix in _read(model))


def _products(model: mp.Model) -> Callable[[], None]:
    """Products of so many tokens with weights, one by one, and nothing else of the model."""
    random = np.random.default_rng(1)
    work = [(m, random.standard_normal((1, m.columns), np.float32)) for m in _read(model)]

    def multiply() -> None:
        for _ in range(TOKENS):
            for matrix, x in work:
                matrix.multiply(x)

    return multiply


def _calls(count: int) -> Callable[[], None]:
    """As many calls as `_products` makes, of a product that is next to nothing."""
    nothing = _core.dense_matrix(np.zeros(4, np.uint8), "BF16", 1, 2)
    x = np.zeros((1, 2), np.float32)

    def call() -> None:
        for _ in range(count * TOKENS):
            nothing.multiply(x)

    return call


def _decoding(model: mp.Model) -> Callable[[], None]:
    """So many tokens behind a prompt that is already in the KV cache."""
    engine = model.loaded.engine
    cache = _core.Cache(engine, PROMPT + TOKENS)
    engine.forward(np.arange(2, 2 + PROMPT, dtype=np.int32), cache, "last")
    token = np.array([5], np.int32)

    def decode() -> None:
        cache.truncate(PROMPT)
        for _ in range(TOKENS):
            engine.forward(token, cache, "last")

    return decode
