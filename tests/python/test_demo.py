"""The bundled demo model."""

from __future__ import annotations

import numpy as np

from meadow_py import demo


def test_the_same_bits_every_time() -> None:
    first, second = demo.arrays(), demo.arrays()
    assert list(first) == list(second)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_it_is_an_opt() -> None:
    checkpoint = demo.checkpoint()
    assert checkpoint.architecture.family == "opt"
    assert not checkpoint.architecture.inferred
    shapes = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    assert shapes == checkpoint.architecture.expected_shapes()


def test_roles() -> None:
    roles = [weight.role for weight in demo.checkpoint().weights]
    layers = demo.CONFIG["num_hidden_layers"]
    assert roles.count("embedding") == 2
    for role in ("attention.q", "attention.k", "attention.v", "attention.o", "mlp.up", "mlp.down"):
        assert roles.count(role) == layers


def test_tails_are_heavy_and_nothing_is_infinite() -> None:
    up = demo.arrays()["model.decoder.layers.0.fc1.weight"].astype(np.float64)
    assert np.isfinite(up).all()
    assert np.abs(up).max() / up.std() > 6  # of so many Gaussian values, 4.5
