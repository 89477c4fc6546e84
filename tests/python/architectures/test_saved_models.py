"""Every family against what its class in transformers writes to disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from saved_models import CASES, Case, build, save, shapes_of

from meadow_py.architectures import resolve

BLOCK_ROLES = {
    "gated": {"attention.q", "attention.k", "attention.v", "attention.o"}
    | {"mlp.up", "mlp.gate", "mlp.down"},
    "plain": {"attention.q", "attention.k", "attention.v", "attention.o", "mlp.up", "mlp.down"},
}
GATED = {"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3"}

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


@every_case
def test_expected_shapes_are_those_in_the_file(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    architecture = resolve(config, {})
    stored = shapes_of(arrays)
    if case.head == "ForSequenceClassification":
        stored = {n: s for n, s in stored.items() if not n.startswith("classifier.")}
    assert architecture.family == case.family
    assert not architecture.inferred
    assert architecture.expected_shapes() == stored


@every_case
def test_each_block_holds_each_role_once(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    weights = resolve(config, shapes_of(arrays)).weights(shapes_of(arrays))
    wanted = BLOCK_ROLES["gated" if case.family in GATED else "plain"]
    for layer in (0, 1):
        roles = [spec.role for spec in weights if spec.layer == layer]
        assert sorted(roles) == sorted(wanted)


@every_case
def test_parts_tile_every_stored_matrix(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    weights = resolve(config, shapes_of(arrays)).weights(shapes_of(arrays))
    assert len({spec.name for spec in weights}) == len(weights)
    for tensor, array in arrays.items():
        views = [spec.view(array) for spec in weights if spec.tensor == tensor]
        assert bool(views) == (array.ndim == 2)
        if views:
            seen = np.sort(np.concatenate([view.ravel() for view in views]))
            assert np.array_equal(seen, np.sort(array.ravel()))


@every_case
def test_names_alone_give_the_same_roles(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    shapes = shapes_of(arrays)
    stated, told = resolve(config, shapes), resolve(None, shapes)
    assert told.dimensions is None
    assert told.inferred
    assert {n: told.role_of(n) for n in shapes} == {n: stated.role_of(n) for n in shapes}
    indistinguishable = {"mistral": "llama", "gemma": "llama"}
    assert told.family == indistinguishable.get(case.family, case.family)


@every_case
def test_norms_and_biases_are_told_apart(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    architecture = resolve(config, shapes_of(arrays))
    assert arrays
    for name, array in arrays.items():
        if array.ndim == 1:
            is_norm = "norm" in name.lower() or "ln_" in name
            assert architecture.role_of(name) == ("norm" if is_norm else "other")


@every_case
def test_model_order(case: Case, tmp_path: Path) -> None:
    config, arrays = save(build(case), tmp_path)
    shapes = shapes_of(arrays)
    weights = resolve(config, shapes).weights(dict(sorted(shapes.items(), reverse=True)))
    assert weights[0].role == "embedding"
    layers = [spec.layer for spec in weights if spec.layer is not None]
    assert layers == sorted(layers)
    heads = [spec.name for spec in weights if spec.role == "head"]
    assert heads in ([], [weights[-1].name])
