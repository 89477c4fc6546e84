"""Torch modules in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from meadow_py.dispatch import open_checkpoint

torch = pytest.importorskip("torch")


def test_real_opt(opt: Any) -> None:
    checkpoint = open_checkpoint(opt)
    assert checkpoint.format == "module"
    assert checkpoint.source == "OPTForCausalLM"
    assert checkpoint.config is not None
    assert checkpoint.config["model_type"] == "opt"
    assert checkpoint.architecture.family == "opt"
    assert checkpoint.architecture.tied
    state = opt.state_dict()
    assert "lm_head.weight" in state
    assert set(checkpoint.tensors) == set(state) - {"lm_head.weight"}
    for name, tensor in checkpoint.tensors.items():
        assert np.shares_memory(tensor.array(), state[name].numpy()), name
    assert checkpoint.nbytes == sum(p.numel() * 4 for p in opt.parameters())


def test_any_module_without_config() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    checkpoint = open_checkpoint(module)
    assert checkpoint.config is None
    assert checkpoint.tensors["1.num_batches_tracked"].dtype == "I64"
    (weight,) = checkpoint.weights
    assert weight.shape == (3, 4)
    assert weight.array().tobytes() == module[0].weight.detach().numpy().tobytes()


def test_shared_parameter_is_listed_once_and_views_are_kept() -> None:
    module = torch.nn.Module()
    module.a = torch.nn.Linear(4, 4, bias=False)
    module.b = torch.nn.Linear(4, 4, bias=False)
    module.b.weight = module.a.weight
    module.register_buffer("turned", module.a.weight.detach().T)
    module.register_buffer("first", module.a.weight.detach()[0])
    checkpoint = open_checkpoint(module)
    assert sorted(checkpoint.tensors) == ["a.weight", "first", "turned"]
    turned = checkpoint.tensors["turned"].array()
    np.testing.assert_array_equal(turned, module.a.weight.detach().numpy().T)


def test_half_precision_keeps_its_bits() -> None:
    module = torch.nn.Linear(8, 8, bias=False).to(torch.bfloat16)
    tensor = open_checkpoint(module).tensors["weight"]
    assert tensor.dtype == "BF16"
    assert tensor.raw().tobytes() == module.weight.detach().view(torch.uint8).numpy().tobytes()


def test_module_without_tensors() -> None:
    with pytest.raises(ValueError, match="ReLU has neither parameters nor buffers"):
        open_checkpoint(torch.nn.ReLU())


def test_module_without_values() -> None:
    with pytest.raises(TypeError, match="'weight' is on the meta device"):
        open_checkpoint(torch.nn.Linear(2, 2, device="meta"))


def test_sparse_parameter() -> None:
    module = torch.nn.Module()
    module.register_buffer("s", torch.eye(3).to_sparse())
    with pytest.raises(TypeError, match=r"'s' is .*sparse"):
        open_checkpoint(module)
