"""Bytes of the KV cache and of activations."""

from __future__ import annotations

from meadow_py import workload
from meadow_py.planner.forms import Form
from meadow_py.planner.result import Footprint
from meadow_py.planner.setting import Setting
from meadow_py.workload import ModelShape, Precision


def footprint(form: Form, setting: Setting) -> Footprint:
    """Bytes that a model in one form needs while it runs."""
    shape, precision = setting.shape, form.precision
    each = kv_cache_bytes(shape, 1, precision) * setting.batch
    return Footprint(
        weights=form.stored_bytes,
        file=form.file_bytes,
        kv_cache=kv_cache_bytes(shape, setting.context, precision) * setting.batch,
        kv_cache_per_token=each,
        activations=activation_bytes(setting, precision, setting.together),
    )


def kv_cache_bytes(shape: ModelShape, tokens: int, precision: Precision) -> float:
    """Bytes of one sequence's keys and values in all layers; a window keeps only its own tokens."""
    if shape.encoder:
        return 0.0
    windows = shape.windows or (0,) * shape.layers
    kept = sum(min(tokens, window) if window else tokens for window in windows)
    return 2 * shape.kv_width * kept * precision.kv_bits / 8


def longest_context(fixed_bytes: float, room: float, setting: Setting, form: Form) -> int | None:
    """Most tokens of context that fit beside `fixed_bytes`, within the model's own limit."""
    shape = setting.shape
    if shape.encoder:
        return None
    limit = shape.positions or 1 << 24
    low, high = 0, limit
    while low < high:  # bisection: more tokens never take fewer bytes
        middle = (low + high + 1) // 2
        cache = kv_cache_bytes(shape, middle, form.precision) * setting.batch
        low, high = (middle, high) if fixed_bytes + cache <= room else (low, middle - 1)
    return low


def activation_bytes(setting: Setting, precision: Precision, tokens: int) -> float:
    """Bytes of the residual, and of the input and output of the largest operation on `tokens`."""
    work = workload.of(
        setting.shape,
        tokens=tokens,
        context=0 if setting.shape.encoder else max(setting.context - tokens, 0),
        batch=setting.batch,
        precision=precision,
    )
    operations = {id(operation): operation for _, operation in work}.values()
    largest = max(int(op.input_values) + int(op.output_values) for op in operations)
    residual = tokens * setting.batch * setting.shape.hidden
    return (largest + residual) * precision.activation_bits / 8
