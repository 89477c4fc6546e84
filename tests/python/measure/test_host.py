"""What this machine says of itself."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from meadow_py import _core
from meadow_py.measure import Cache, Host, PeakResident, host
from meadow_py.measure.host import UNKNOWN_CACHE_BYTES, _cpu_list
from meadow_py.measure.memory import _left_in_groups, anonymous, resident_bytes, usable_bytes


def described(*caches: Cache) -> Host:
    return Host("cpu", "x86_64", 1, 2, 3, "avx2", ("scalar", "avx2"), 4, caches, 1 << 30, "Linux")


def test_the_host_is_described() -> None:
    made = host()
    assert made.cpu
    assert (made.isa, list(made.isas)) == (_core.isa_active(), _core.isa_available())
    assert made.cores == _core.hardware_threads()
    assert made.memory_bytes is None or made.memory_bytes > 1 << 28
    data = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert data["last_level_cache_bytes"] == made.last_level_cache_bytes > 0


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="no /proc here")
def test_the_cpu_is_the_one_of_the_kernel() -> None:
    told = Path("/proc/cpuinfo").read_text()
    if "model name" not in told:
        pytest.skip("this CPU has no name")
    assert host().cpu in told


def test_all_last_level_caches_count() -> None:
    level_2, level_3 = Cache(2, "unified", 1 << 20, 2), Cache(3, "unified", 32 << 20, 2)
    assert described(level_2, level_2).last_level_cache_bytes == 2 << 20
    assert described(level_2, level_3, level_3).last_level_cache_bytes == 64 << 20
    assert described().last_level_cache_bytes == UNKNOWN_CACHE_BYTES


@pytest.mark.parametrize(("text", "cpus"), [("0", {0}), ("0-2,8", {0, 1, 2, 8}), ("4-5", {4, 5})])
def test_lists_of_cpus_are_read(text: str, cpus: set[int]) -> None:
    assert _cpu_list(text) == cpus


def test_memory_that_may_be_filled_is_less_than_there_is() -> None:
    memory = host().memory_bytes
    assert usable_bytes() >= 0
    assert memory is None or usable_bytes() < memory


@pytest.mark.parametrize(
    ("lines", "limits", "left"),
    [
        ("0::/box", {"memory.max": "900", "memory.current": "100"}, 800),
        (
            "0::/box/inner",
            {
                "box/memory.max": "900",
                "box/memory.current": "100",
                "box/inner/memory.max": "max",
                "box/inner/memory.current": "50",
            },
            800,
        ),
        ("0::/../away", {"memory.max": "300", "memory.current": "400"}, 0),
        (
            "9:memory:/box\n3:cpu:/box",
            {
                "memory/box/memory.limit_in_bytes": "700",
                "memory/box/memory.usage_in_bytes": "100",
                "memory.max": "5",
                "memory.current": "0",
            },
            600,
        ),
        ("0::/box", {"memory.max": "max", "memory.current": "100"}, None),
        ("", {"memory.max": "900", "memory.current": "100"}, None),
    ],
)
def test_limits_of_control_groups_are_kept(
    tmp_path: Path, lines: str, limits: dict[str, str], left: int | None
) -> None:
    (tmp_path / "groups").write_text(lines)
    for name, text in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert _left_in_groups(tmp_path, tmp_path / "groups") == left


@pytest.mark.skipif(sys.platform != "linux", reason="VmSize is Linux's")
def test_the_limit_of_the_address_space_is_kept() -> None:
    script = (
        "import resource; from meadow_py.measure.memory import anonymous, usable_bytes;"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2);"
        "assert usable_bytes() <= 32 << 20, usable_bytes();"
        "anonymous(usable_bytes(), 'small')\n"
        "try: anonymous(1 << 30, 'small')\n"
        "except MemoryError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "the system gives no 1073741824 bytes of memory" in done.stdout


@pytest.mark.skipif(resident_bytes() is None, reason="RssAnon is Linux's")
def test_the_peak_of_anonymous_memory_is_seen() -> None:
    gc.collect()  # what earlier tests left behind must not go meanwhile
    before, size = resident_bytes() or 0, 64 << 20
    with PeakResident() as peak:
        held = anonymous(size, "small")  # never memory that the allocator kept
        assert held.size == size
    del held
    assert peak.nbytes is not None
    assert peak.nbytes >= before + size // 2
