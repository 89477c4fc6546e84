"""`profile`: quantise and pack every weight under every setting."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from meadow_py import quantizers as room
from meadow_py.checks import MAX_THREADS, check_flag, check_threads
from meadow_py.codecs import check_along, check_chunk
from meadow_py.jobs import Progress, Stopwatch
from meadow_py.profiler.products import measure_weights, measured_host
from meadow_py.profiler.result import HostInfo, ModelInfo, Profile, ProfileSettings
from meadow_py.profiler.schedule import Schedule, profile_weights
from meadow_py.profiler.weight import is_codes
from meadow_py.quantizers import Granularity, Quantizer, check_bits

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from meadow_py.sources import Checkpoint, Weight

_T = TypeVar("_T")

BITS: tuple[int, ...] = (8,)
GRANULARITY = ("tensor", "row", "group:128")


def profile(
    model: Any,
    *,
    bits: int | Sequence[int] | None = None,
    granularity: str | Sequence[str] | None = None,
    chunk_sizes: int | Sequence[int] = (2, 4, 8),
    symmetric: bool | None = None,
    quantizers: str | Quantizer | Sequence[str | Quantizer] | None = None,
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

    Every matrix is quantised by each quantiser, and its codes are packed by every codec once per
    chunk size. The streams are really made, and decoded again. Large tensors are held in memory
    one at a time; small ones, one per thread.

    Parameters
    ----------
    model : str, path, module, mapping or Checkpoint
        Anything that `open_checkpoint` opens, or an open checkpoint.
    bits : int or sequence of int, optional
        Bits per code, 2 to 8; by default 8. Weights stored as 8-bit integers are packed as they
        are, under granularity ``stored``.
    granularity : str or sequence of str, optional
        Which numbers share a scale: ``tensor`` (one weight), ``row`` (an output channel) or
        ``group:N`` (N inputs of a row). By default ``tensor``, ``row`` and ``group:128``.
    chunk_sizes : int or sequence of int
        Codes per chunk, 1 to 16.
    symmetric : bool, optional
        True, the default, gives codes around zero; False adds zero points.
    quantizers : str, Quantizer or sequence of these, optional
        Quantisers or their keys, such as ``int8:row``, ``int4:group:128:asym`` or ``q8``. They
        replace `bits`, `granularity` and `symmetric`, which are shorthand for every combination.
    along : {"in", "out"}
        The dimension that chunks run along.
    roles : str or sequence of str, optional
        Profile only weights of these roles: ``attention.q``, or ``attention`` for all roles that
        begin with ``attention.``.
    verify : bool
        Decode every stream and compare it with the codes.
    measure : bool
        Also multiply every weight stored as F32, BF16 or F16 with a vector, dense and packed in
        turn, on `threads` threads of this host, and keep the times. The weights are read from
        memory, not from a cache. They are measured one by one after everything else is done, so
        that nothing else runs meanwhile.
    threads : int, optional
        Number of threads of the core for each weight. None means all cores, or one thread with an
        executor. Only times depend on it.
    progress : bool, optional
        Whether to show a bar on stderr; None shows it only on a terminal and in Jupyter.
    revision, token, cache_dir, local_files_only
        For models on a hub; see `open_checkpoint`.
    executor : concurrent.futures.Executor, optional
        Where to profile the weights, which are independent of each other: for example
        ``ProcessPoolExecutor()`` or ``dask.distributed.Client().get_executor()``. Workers open the
        files themselves and must find them at the same path; weights of models in memory are sent
        to them. The result is the same bit for bit, except for `seconds`, which is the sum over all
        workers.
    resume : path, optional
        A journal of finished weights. Each weight is added when it is done, and an existing journal
        is read first, so that an interrupted run resumes. The file is kept; a weight whose bytes
        have changed is profiled again.

    Returns
    -------
    Profile
        All weights that were chosen, in model order, without empty matrices.

    Raises
    ------
    ValueError
        For arguments out of range, for `quantizers` together with `bits`, `granularity` or
        `symmetric`, for a model without matrices, and for weights that hold NaN or infinity (one
        of them is named).
    TypeError
        For arguments of another type, and for a `model` that is no model.
    FormatError
        If a file is truncated, corrupt or newer than this library.
    OSError
        If a file or a hub cannot be read.
    """
    chosen_quantizers = _quantizers(quantizers, bits, granularity, symmetric)
    settings = ProfileSettings(
        **_derived(chosen_quantizers),
        chunk_sizes=_each(chunk_sizes, check_chunk, "chunk_sizes"),
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
        work = Schedule(settings, chosen_quantizers, used_threads, clock, executor)
        with Progress(work.passes * sum(w.count for w in chosen), "profile", progress) as bar:
            done = profile_weights(chosen, work, bar, resume)
        here = measured_host(_used_threads(threads)) if measured else None
        if here is not None:
            done = measure_weights(chosen, done, here.threads, clock, progress)
        info = _model_info(checkpoint, weights, chosen)
    return Profile(info, settings, _host(used_threads), done, clock.seconds, here)


def _quantizers(
    keys: str | Quantizer | Sequence[str | Quantizer] | None,
    bits: int | Sequence[int] | None,
    granularity: str | Sequence[str] | None,
    symmetric: bool | None,
) -> tuple[Quantizer, ...]:
    parts = {"bits": bits, "granularity": granularity, "symmetric": symmetric}
    given = [name for name, value in parts.items() if value is not None]
    if keys is not None:
        if given:
            raise ValueError(
                f"quantizers and {', '.join(given)} were given: expected only one of them; "
                "a key such as 'int8:row' says bits and granularity"
            )
        return _each(keys, _parse_quantizer, "quantizers")
    return room.product(
        _each(BITS if bits is None else bits, check_bits, "bits"),
        _each(GRANULARITY if granularity is None else granularity, _scope, "granularity"),
        True if symmetric is None else check_flag(symmetric, "symmetric"),
    )


def _scope(granularity: str) -> str:
    return str(Granularity.parse(granularity))


def _parse_quantizer(key: str | Quantizer) -> Quantizer:
    made = room.parse(key)
    if made.key == room.STORED:
        raise ValueError(
            f"quantizer {made.key!r}: it always applies to weights that are stored as 8-bit "
            "integers, and never to others: leave it out"
        )
    return made


def _derived(chosen: Sequence[Quantizer]) -> dict[str, Any]:
    """The fields of `ProfileSettings` that follow from the quantisers, and their keys."""
    symmetric = {quantizer.symmetric for quantizer in chosen}
    scopes = (quantizer.granularity for quantizer in chosen)
    return {
        "quantizers": tuple(quantizer.key for quantizer in chosen),
        "bits": tuple(dict.fromkeys(quantizer.bits for quantizer in chosen)),
        "granularity": tuple(dict.fromkeys(scope for scope in scopes if scope is not None)),
        "symmetric": symmetric.pop() if len(symmetric) == 1 else None,
    }


def _each(values: Any, check: Callable[[Any], _T], name: str) -> tuple[_T, ...]:
    """Checked values of a scalar or a sequence, without duplicates, in the order given."""
    single = isinstance(values, str | Granularity | Quantizer) or not isinstance(values, Iterable)
    checked = tuple(dict.fromkeys(check(v) for v in ([values] if single else values)))
    if not checked:
        raise ValueError(f"{name} is empty: expected at least one value")
    return checked


def _check_role(role: str) -> str:
    if not isinstance(role, str):
        raise TypeError(f"a role must be a string, not {type(role).__name__}: {role!r}")
    return role


def _used_threads(threads: int | None) -> int:
    from meadow_py import _core

    if threads is None:
        return min(_core.hardware_threads(), MAX_THREADS)
    if not isinstance(threads, bool | float) and threads == 0:
        raise ValueError("threads=0: expected a positive number, or None for all cores")
    return check_threads(threads)


def _opened(model: Any, **options: Any) -> Any:
    """A context manager for the checkpoint; one that the caller opened stays open."""
    from meadow_py.dispatch import open_checkpoint
    from meadow_py.sources import Checkpoint

    if isinstance(model, Checkpoint):
        return nullcontext(model)
    return open_checkpoint(model, **options)


def _matrices(checkpoint: Checkpoint) -> list[Weight]:
    """The weights that are not empty, including those stored as 8-bit integer codes."""
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
            raise ValueError(
                f"{source}: no weight has the role {role!r}: expected one of {', '.join(present)}"
            )
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
