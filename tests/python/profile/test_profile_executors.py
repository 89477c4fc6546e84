"""Weights profiled elsewhere: the same result bit for bit, wherever they come from."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import meadow_py as mp

SETTINGS: dict[str, Any] = {"bits": (8, 4), "granularity": ("tensor", "row"), "chunk_sizes": (2, 3)}


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    shapes = {"fc1": (96, 32), "fc2": (32, 96), "self_attn.q_proj": (32, 32)}
    made = {
        f"model.decoder.layers.{layer}.{part}.weight": random.standard_t(4, shape)
        for layer in range(3)
        for part, shape in shapes.items()
    }
    kinds = (np.float32, np.float16, ml_dtypes.bfloat16)
    return {name: a.astype(kinds[n % 3]) for n, (name, a) in enumerate(made.items())}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file(arrays(), path)
    return path


@pytest.fixture(scope="module", params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
        return
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
        yield processes


def test_of_a_file(file: Path, executor: Executor) -> None:
    here = mp.profile(file, **SETTINGS)
    there = mp.profile(file, executor=executor, **SETTINGS)
    assert there.weights == here.weights
    assert (there.model, there.settings) == (here.model, here.settings)
    assert there.seconds.keys() == here.seconds.keys()


def test_of_arrays_and_modules(executor: Executor) -> None:
    import torch

    here = mp.profile(arrays(), **SETTINGS)
    assert mp.profile(arrays(), executor=executor, **SETTINGS).weights == here.weights
    module = torch.nn.Sequential(torch.nn.Linear(24, 40), torch.nn.Linear(40, 8)).bfloat16()
    here = mp.profile(module, **SETTINGS)
    assert mp.profile(module, executor=executor, **SETTINGS).weights == here.weights


def test_of_fused_and_transposed_weights(shared_data: Path, executor: Executor) -> None:
    path = shared_data / "weights/gpt2-attention"
    settings = {"granularity": "tensor", "chunk_sizes": 2, "roles": "attention.q"}
    here = mp.profile(path, **settings)
    assert mp.profile(path, executor=executor, **settings).weights == here.weights


def test_errors_come_back(executor: Executor) -> None:
    bad = arrays() | {"model.decoder.layers.9.fc1.weight": np.full((4, 4), np.nan, np.float32)}
    with pytest.raises(ValueError, match=r"layers.9.fc1.weight: expected finite weights"):
        mp.profile(bad, executor=executor)


def test_dask_with_two_workers_that_read_their_own_tensors(file: Path) -> None:
    import distributed

    here = mp.profile(file, **SETTINGS)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = mp.profile(file, executor=client.get_executor(), **SETTINGS)
        sweep = mp.sweep(file, executor=client.get_executor(), **SETTINGS)
    assert there.weights == here.weights
    assert sweep.profile.weights == here.weights


def test_a_weight_out_of_a_file_is_sent_by_name(file: Path) -> None:
    with mp.open_checkpoint(file) as checkpoint:
        assert checkpoint.weights
        for weight in checkpoint.weights:
            sent = pickle.dumps(weight)
            assert len(sent) < weight.tensor.nbytes
            got = pickle.loads(sent)
            assert (got.name, got.role, got.layer) == (weight.name, weight.role, weight.layer)
            assert got.array().tobytes() == weight.array().tobytes()


def test_files_that_changed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a.weight": np.ones((4, 4), np.float32)}, path)
    with mp.open_checkpoint(path) as checkpoint:
        sent = pickle.dumps(checkpoint.weights[0])
    save_file({"a.weight": np.ones((4, 8), np.float32)}, path)
    with pytest.raises(mp.FormatError, match="have changed since they were opened"):
        pickle.loads(sent)


def test_threads_of_the_core_on_an_executor(file: Path) -> None:
    with ThreadPoolExecutor(1) as one:
        assert mp.profile(file, executor=one, chunk_sizes=2).host.threads == 1
        assert mp.profile(file, executor=one, chunk_sizes=2, threads=2).host.threads == 2
    with pytest.raises(TypeError, match="executor is a int"):
        mp.profile(file, executor=2)


def test_small_weights_side_by_side_and_large_ones_with_all_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights above and below the limit: the order and every figure stay."""
    one = mp.profile(arrays(), threads=1, **SETTINGS)
    monkeypatch.setattr("meadow_py.profiler.schedule.SMALL", 32 * 32)
    mixed = mp.profile(arrays(), threads=3, **SETTINGS)
    assert mixed.weights == one.weights
    assert mixed.seconds.keys() == one.seconds.keys()


def test_a_bad_weight_among_many_stops_them_and_leaves_no_thread() -> None:
    bad = arrays() | {"model.decoder.layers.9.fc1.weight": np.full((4, 4), np.nan, np.float32)}
    with pytest.raises(ValueError, match="expected finite weights"):
        mp.profile(bad, threads=2)
    assert not [t for t in threading.enumerate() if t.name.startswith("meadow")]
    mp.profile(arrays(), threads=2, **SETTINGS)


def test_a_worker_that_cannot_open_the_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(arrays(), path)
    context = multiprocessing.get_context("spawn")
    with mp.open_checkpoint(path) as checkpoint, ProcessPoolExecutor(1, context) as pool:
        path.rename(tmp_path / "elsewhere.safetensors")
        with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
            mp.profile(checkpoint, executor=pool)


def test_a_failure_elsewhere_does_not_end_other_work() -> None:
    """Two profiles at once in one process; one of them fails again and again."""
    bad = {"x.weight": np.full((8, 8), np.nan, np.float32), "y.weight": np.ones((8, 8), np.float32)}
    large = {"w.weight": np.random.default_rng(0).standard_normal((1024, 4096), np.float32)}
    expected = mp.profile(large, chunk_sizes=(2, 4))
    with ThreadPoolExecutor(1) as other:
        made = other.submit(mp.profile, large, chunk_sizes=(2, 4), threads=2)
        while not made.done():
            with pytest.raises(ValueError, match="expected finite weights"):
                mp.profile(bad, threads=2)
    assert made.result().weights == expected.weights
