"""Models larger than memory: tokens from a mapped file under a memory limit, dense and in planes.

    python benchmarks/memory_limit.py --folder /somewhere/with/10/GB
    python benchmarks/memory_limit.py --model FOLDER --folder /somewhere --limit 0.85 0.5

Each run is a process of its own in a control group (v1 or v2) whose limit is a share of the dense
files; pages of mapped files count against it. The files' pages are dropped before. Where no group
may be made, a substitute is measured and labelled so: all pages of the files are dropped before
each token. Logits of both forms are compared bit for bit.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cgroups
import numpy as np
from common import PeakAnonymousMemory, machine

LIMITED, DROPPED, FREE = "limited", "substitute: pages dropped before each token", "unlimited"
_DONTNEED = 4  # of madvise(2), Linux


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def drop_pages(folder: Path) -> None:
    """Let the system forget what it holds of these files; their next read is one of the disk."""
    for path in weight_files(folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def unmap_pages(folder: Path) -> None:
    """Take the pages of these files out of this process, so that they can be dropped."""
    names = {str(path.resolve()) for path in weight_files(folder)}
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] in names:
            begin, end = (int(address, 16) for address in fields[0].split("-"))
            if madvise(begin, end - begin, _DONTNEED):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def counters() -> dict[str, int]:
    """Bytes that came from the disk, and resident pages of files, in bytes."""
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "read": int(io["read_bytes"]),
        "mapped": int(status["RssFile"].split()[0]) * 1024,
    }


def decode(source: Path, form: str, tokens: int, threads: int, drop: bool) -> dict[str, Any]:
    """Load, and decode greedily one token after the other; what each took."""
    import meadow_py as mp
    from meadow_py import _core

    before, begun = counters(), time.perf_counter()
    digest = hashlib.sha256()
    steps: list[tuple[float, int]] = []
    with PeakAnonymousMemory() as memory:
        loaded = mp.load(source, form=form, mapped=True).loaded
        opened = (time.perf_counter() - begun, counters()["read"] - before["read"])
        cache = _core.Cache(loaded.engine, tokens + 1)
        given, mapped = 1, 0
        for _ in range(tokens):
            if drop:
                unmap_pages(source)
                drop_pages(source)
            read, start = counters()["read"], time.perf_counter()
            scores = loaded.engine.forward(np.array([given], np.int32), cache, threads=threads)
            now = counters()
            steps.append((time.perf_counter() - start, now["read"] - read))
            mapped = max(mapped, now["mapped"])
            digest.update(scores.tobytes())
            given = int(scores.argmax())
    later = steps[1:] or steps
    return {
        "form": form,
        "weight_bytes_per_token": loaded.bytes_per_token,
        "open_seconds": opened[0],
        "open_read_bytes": opened[1],
        "first_token_seconds": opened[0] + steps[0][0],
        "read_bytes_until_first_token": opened[1] + steps[0][1],
        "seconds_per_token": statistics.median(seconds for seconds, _ in later),
        "tokens_per_second": 1 / statistics.median(seconds for seconds, _ in later),
        "read_bytes_per_token": statistics.median(read for _, read in later),
        "peak_anonymous_bytes": memory.bytes,
        "peak_mapped_bytes": mapped,
        "logits_sha256": digest.hexdigest(),
    }


def child(options: argparse.Namespace) -> None:
    """Decode here, in a group if there is one."""
    if options.group:
        cgroups.MemoryGroup(Path(options.group), 0).enter()
    drop = options.mode == DROPPED
    found = decode(options.model, options.form, options.tokens, options.threads, drop)
    print(json.dumps(found))


def measured(
    source: Path, form: str, limit: int | None, options: argparse.Namespace
) -> dict[str, Any]:
    """One process, under a limit of so many bytes, or none."""
    drop_pages(source)
    with contextlib.ExitStack() as stack:
        group = None if limit is None else stack.enter_context(cgroups.made(limit))
        mode = FREE if limit is None else DROPPED if group is None else LIMITED
        command = [sys.executable, __file__, "--child", "--model", str(source), "--form", form]
        command += ["--tokens", str(options.tokens), "--threads", str(options.threads)]
        command += ["--mode", mode, "--group", "" if group is None else str(group.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{form} under {limit} B ended with {done.returncode}: {done.stderr}")
        found: dict[str, Any] = {"mode": mode, "limit_bytes": limit, **json.loads(done.stdout)}
        if group is not None:
            found["cgroup_version"] = group.version
            found["peak_group_bytes"] = group.peak_bytes()
    return found


def sources(options: argparse.Namespace) -> tuple[Path, Path]:
    """The dense folder and the packed one, made unless they are there."""
    import meadow_py as mp

    dense = options.model
    if dense is None:
        from synthetic_models import MODELS, write_hugging_face

        dense = options.folder / "dense"
        if not (dense / "model.safetensors").exists():
            make = MODELS["llama-3.2-1b"]
            write_hugging_face(make(options.layers) if options.layers else make(), dense)
    packed = options.folder / "planes"
    if not packed.exists():
        mp.pack(dense, packed, codec="planes", progress=False)
    return dense, packed


def run(options: argparse.Namespace) -> dict[str, Any]:
    dense, packed = sources(options)
    sizes = {
        form: sum(path.stat().st_size for path in weight_files(folder))
        for form, folder in (("dense", dense), ("planes", packed))
    }
    runs = []
    for share in (None, *options.limit):
        limit = None if share is None else int(share * sizes["dense"])
        for source, form in ((dense, "dense"), (packed, "packed")):
            runs.append({"share_of_dense": share, **measured(source, form, limit, options)})
            print(described(runs[-1]), file=sys.stderr)
    if len({found["logits_sha256"] for found in runs}) != 1:
        raise SystemExit("logits differ between runs")
    return {"version": 1, "machine": machine(), "file_bytes": sizes, "runs": runs}


def described(found: dict[str, Any]) -> str:
    share = found["share_of_dense"]
    where = "no limit" if share is None else f"{share:.0%} of the dense files, {found['mode']}"
    return (
        f"{found['form']:>6}, {where}: {found['tokens_per_second']:.3f} tokens/s, "
        f"{found['read_bytes_per_token'] / 1e9:.3f} GB read per token, first token after "
        f"{found['first_token_seconds']:.2f} s and "
        f"{found['read_bytes_until_first_token'] / 1e9:.3f} GB, "
        f"RssAnon at most {found['peak_anonymous_bytes'] / 1e6:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the packed model, and a drawn one, go")
    parser.add_argument("--model", type=Path, help="a dense folder of safetensors files")
    parser.add_argument("--layers", type=int, help="of the drawn Llama; 16 as Llama-3.2-1B")
    parser.add_argument("--limit", type=float, nargs="+", default=[0.85, 0.5])
    parser.add_argument("--tokens", type=int, default=6)
    parser.add_argument("--threads", type=int, default=0)
    for hidden in ("--form", "--mode", "--group"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    if options.folder is None:
        parser.error("--folder is needed")
    print(json.dumps(run(options), indent=2))


if __name__ == "__main__":
    main()
