"""`profile`: every weight, quantised and packed under every setting."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from meadow_py.codecs import check_along, check_chunk
from meadow_py.jobs import Progress, Stopwatch
from meadow_py.profiler.measuring import measure_weights, measured_host
from meadow_py.profiler.result import HostInfo, ModelInfo, Profile, Settings
from meadow_py.profiler.weight import is_codes
from meadow_py.profiler.weights import Work, profile_weights
from meadow_py.quantize import MAX_THREADS, Granularity, check_bits, check_flag, check_threads

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from meadow_py.sources import Checkpoint, Weight

_T = TypeVar("_T")


def profile(
    model: Any,
    *,
    bits: int | Sequence[int] = (8,),
    granularity: str | Sequence[str] = ("tensor", "row", "group:128"),
    chunk_sizes: int | Sequence[int] = (2, 4, 8),
    symmetric: bool = True,
    along: str = "in",
    roles: str | Sequence[str] | None = None,
    verify: bool = True,
    measure: bool = False,
    threads: int | None = None,
    progress: bool | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> Profile:
    """Measure the redundancy of a model's weights, and what lossless packing really saves.

    Every matrix is quantised once per `bits` and `granularity`, and packed by every codec once
    per chunk size; the streams are real and decoded again. Large tensors are in memory one at a
    time, small ones as many as there are threads.

    Parameters
    ----------
    model : str, path, module, mapping or Checkpoint
        Whatever `open_checkpoint` opens, or an open checkpoint.
    bits : int or sequence of int
        Bits per code, 2 to 8. Weights stored as 8-bit integers are packed as they are, under
        granularity ``stored``.
    granularity : str or sequence of str
        What shares a scale: ``tensor`` (one weight), ``row`` (an output channel), ``group:N``
        (N inputs of a row).
    chunk_sizes : int or sequence of int
        Codes per chunk, 1 to 16.
    symmetric : bool
        Codes around zero; False adds zero points.
    along : {"in", "out"}
        Along which dimension codes are cut in chunks.
    roles : str or sequence of str, optional
        Only weights of these roles: ``attention.q``, or ``attention`` for all of its kind.
    verify : bool
        Decode every stream and compare it with the codes.
    measure : bool
        Also multiply every weight of F32, BF16 or F16 with a vector, dense and packed in turn, read
        from memory and not from a cache, on `threads` threads of this host, and keep the times. The
        weights take turns, after all else is done, so that nothing runs beside them.
    threads : int, optional
        Of the core, for each weight. None means all cores; on an executor, one. No figure depends
        on it.
    progress : bool, optional
        A bar on stderr; None shows it to a terminal and in Jupyter only.
    revision, token, cache_dir, local_files_only
        For models on a hub; see `open_checkpoint`.
    executor : concurrent.futures.Executor, optional
        Weights are independent: profile them there, as on ``ProcessPoolExecutor()`` or on
        ``dask.distributed.Client().get_executor()``. Workers open the files themselves, which
        must be at the same place for them; weights of models in memory are sent to them. The
        result is the same bit for bit, but for `seconds`, which adds up those of all workers.
    resume : path, optional
        A journal of finished weights: written as they get done, and read first if it is there, so
        that work which was interrupted goes on. It is kept; a weight whose bytes have changed is
        profiled again.

    Raises
    ------
    ValueError
        For arguments out of range, a model without matrices, and weights that hold NaN or
        infinity (one of them is named). Empty matrices are left out.
    TypeError
        For arguments of another type, and for what is no model.
    FormatError
        If a file is truncated, corrupt or newer than this library.
    OSError
        If a file or a hub cannot be read.
    """
    settings = Settings(
        bits=_each(bits, check_bits, "bits"),
        granularity=_each(granularity, lambda g: str(Granularity.parse(g)), "granularity"),
        chunk_sizes=_each(chunk_sizes, check_chunk, "chunk_sizes"),
        symmetric=check_flag(symmetric, "symmetric"),
        along=check_along(along),
        verified=check_flag(verify, "verify"),
    )
    measured = check_flag(measure, "measure")
    wanted = None if roles is None else _each(roles, _check_role, "roles")
    used_threads = 1 if threads is None and executor is not None else _used_threads(threads)
    hub = {"revision": revision, "token": token, "cache_dir": cache_dir}
    with _opened(model, local_files_only=local_files_only, **hub) as checkpoint:
        weights = _matrices(checkpoint)
        chosen = _of_roles(weights, wanted, checkpoint.source)
        clock = Stopwatch()
        work = Work(settings, used_threads, clock, executor)
        with Progress(work.passes * sum(w.count for w in chosen), "profile", progress) as bar:
            done = profile_weights(chosen, work, bar, resume)
        here = measured_host(_used_threads(threads)) if measured else None
        if here is not None:
            done = measure_weights(chosen, done, here.threads, clock, progress)
        info = _model_info(checkpoint, weights, chosen)
    return Profile(info, settings, _host(used_threads), done, clock.seconds, here)


def _each(values: Any, check: Callable[[Any], _T], name: str) -> tuple[_T, ...]:
    """A scalar or a sequence as checked values, each once, in the order given."""
    single = isinstance(values, str | Granularity) or not isinstance(values, Iterable)
    checked = tuple(dict.fromkeys(check(v) for v in ([values] if single else values)))
    if not checked:
        raise ValueError(f"{name} is empty: expected at least one value")
    return checked


def _check_role(role: str) -> str:
    if not isinstance(role, str):
        raise TypeError(f"a role is a string, not {type(role).__name__}: {role!r}")
    return role


def _used_threads(threads: int | None) -> int:
    from meadow_py import _core

    if threads is None:
        return min(_core.hardware_threads(), MAX_THREADS)
    if not isinstance(threads, bool | float) and threads == 0:
        raise ValueError("threads=0: expected a positive number, or None for all cores")
    return check_threads(threads)


def _opened(model: Any, **options: Any) -> Any:
    """A context with the checkpoint; one that the caller opened stays open."""
    from meadow_py.opening import open_checkpoint
    from meadow_py.sources import Checkpoint

    if isinstance(model, Checkpoint):
        return nullcontext(model)
    return open_checkpoint(model, **options)


def _matrices(checkpoint: Checkpoint) -> list[Weight]:
    """The weights that hold something, those stored as 8-bit integer codes included."""
    floats = {id(weight) for weight in checkpoint.weights}
    listed = [
        weight
        for weight in checkpoint.matrices
        if weight.count and (id(weight) in floats or is_codes(weight.dtype))
    ]
    if not listed:
        raise ValueError(
            f"{checkpoint.source}: no matrices to profile among its {len(checkpoint.tensors)} "
            f"tensors ({_some_tensors(checkpoint)}): expected weights [out, in] of "
            "floating-point numbers or 8-bit integers"
        )
    return listed


def _some_tensors(checkpoint: Checkpoint) -> str:
    shown = [
        f"{t.name} {t.dtype} {list(t.shape)}{' is empty' if 0 in t.shape else ''}"
        for t in list(checkpoint.tensors.values())[:3]
    ]
    return ", ".join(shown) + (", ..." if len(checkpoint.tensors) > len(shown) else "")


def _of_roles(weights: list[Weight], wanted: tuple[str, ...] | None, source: str) -> list[Weight]:
    if wanted is None:
        return weights
    present = sorted({weight.role for weight in weights})
    for role in wanted:
        if not any(_has_role(name, role) for name in present):
            raise ValueError(f"{source}: no weight of role {role!r}: it has {', '.join(present)}")
    return [w for w in weights if any(_has_role(w.role, role) for role in wanted)]


def _has_role(role: str, wanted: str) -> bool:
    return role == wanted or role.startswith(f"{wanted}.")


def _model_info(checkpoint: Checkpoint, weights: list[Weight], chosen: list[Weight]) -> ModelInfo:
    names = {id(weight) for weight in chosen}
    skipped = [weight for weight in weights if id(weight) not in names]
    held = {weight.tensor.name for weight in weights}
    others = [tensor for name, tensor in checkpoint.tensors.items() if name not in held]
    return ModelInfo(
        source=checkpoint.source,
        format=checkpoint.format,
        architecture=checkpoint.architecture.family,
        nbytes=checkpoint.nbytes,
        tensors=len(checkpoint.tensors),
        skipped_weights=len(skipped),
        skipped_values=sum(weight.count for weight in skipped),
        other_tensors=len(others),
        other_values=sum(_size(tensor.shape) for tensor in others),
    )


def _size(shape: tuple[int, ...]) -> int:
    import math

    return math.prod(shape)


def _host(threads: int) -> HostInfo:
    import meadow_py
    from meadow_py import _core

    return HostInfo(_core.isa_active(), threads, meadow_py.__version__)
