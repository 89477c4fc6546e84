"""What makes two loaded models the same."""

from __future__ import annotations

from typing import Any


def assert_same(found: Any, expected: Any) -> None:
    """Every parameter and buffer by dtype, shape and bits; which are tied; the configuration."""
    assert type(found) is type(expected)
    for kind in ("named_parameters", "named_buffers"):
        assert_same_tensors(dict(getattr(found, kind)()), dict(getattr(expected, kind)()))
    assert list(found.state_dict()) == list(expected.state_dict())
    assert tied(found) == tied(expected)
    assert found.dtype == expected.dtype
    assert found.training == expected.training
    assert settings(found) == settings(expected)
    assert vars(found).keys() == vars(expected).keys()


def assert_same_tensors(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert found[name].requires_grad == tensor.requires_grad, name
        assert bits(found[name]) == bits(tensor), name


def bits(tensor: Any) -> bytes:
    import torch

    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def tied(model: Any) -> set[frozenset[str]]:
    """The groups of names that share memory."""
    names: dict[int, set[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        names.setdefault(tensor.data_ptr(), set()).add(name)
    return {frozenset(group) for group in names.values()}


def settings(model: Any) -> dict[str, Any]:
    """The configuration, but for where it came from."""
    found: dict[str, Any] = model.config.to_dict()
    return {key: value for key, value in found.items() if key != "_name_or_path"}


def text(model: Any) -> list[int]:
    """Tokens that the model goes on with, greedily."""
    import torch

    model = model.float()
    given = torch.tensor([[2, 17, 5]])
    made = model.generate(given, do_sample=False, min_length=24, max_length=24, pad_token_id=1)
    found: list[int] = made[0].tolist()
    return found
