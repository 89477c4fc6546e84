"""Memory and time of packing a large checkpoint: 10 GB of BF16 in shards, as a model of 5 billion.

    python benchmarks/large_checkpoint.py --folder /somewhere/with/30/GB

Each verb runs in a process of its own and reports the peak of its resident anonymous memory; mapped
file pages are not in it. The unpacked files are compared with the originals byte for byte.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from common import PeakAnonymousMemory, machine, timed

VOCABULARY, WIDTH, INNER, LAYERS = 128_256, 4096, 14_336, 21
LAYERS_PER_SHARD = 2


def shapes() -> Iterator[tuple[str, tuple[int, int]]]:
    """Llama 3's names and shapes, 21 of its layers."""
    yield "model.embed_tokens.weight", (VOCABULARY, WIDTH)
    for n in range(LAYERS):
        at = f"model.layers.{n}"
        for name, rows in (("q", WIDTH), ("k", 1024), ("v", 1024), ("o", WIDTH)):
            yield f"{at}.self_attn.{name}_proj.weight", (rows, WIDTH)
        yield f"{at}.mlp.gate_proj.weight", (INNER, WIDTH)
        yield f"{at}.mlp.up_proj.weight", (INNER, WIDTH)
        yield f"{at}.mlp.down_proj.weight", (WIDTH, INNER)


def shard_of(name: str) -> int:
    return 0 if "layers" not in name else 1 + int(name.split(".")[2]) // LAYERS_PER_SHARD


def make(folder: Path) -> int:
    """Write the shards; the bytes of all weights."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    block = (0.02 * random.standard_normal(1 << 26, np.float32)).astype(ml_dtypes.bfloat16)
    members: dict[int, list[tuple[str, tuple[int, int]]]] = {}
    for name, shape in shapes():
        members.setdefault(shard_of(name), []).append((name, shape))
    total = 0
    index: dict[str, str] = {}
    for n, tensors in members.items():
        file = f"model-{n + 1:05}-of-{len(members):05}.safetensors"
        total += _write_shard(folder / file, tensors, block)
        index |= dict.fromkeys((name for name, _ in tensors), file)
    text = {"metadata": {"total_size": total}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(text))
    return total


def _write_shard(path: Path, tensors: list[tuple[str, tuple[int, int]]], block: Any) -> int:
    header, at = {}, 0
    for name, shape in tensors:
        size = 2 * shape[0] * shape[1]
        offsets = [at, at + size]
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": offsets}
        at += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for n, (_, shape) in enumerate(tensors):
            left, start = shape[0] * shape[1], 7919 * (n + 1)  # no tensor begins as another does
            while left:
                part = block[start : start + left]
                file.write(part.view(np.uint8).data)
                left, start = left - part.size, 0
    return at


def measure(verb: str, arguments: list[str]) -> dict[str, float]:
    """One verb of the package in a process of its own."""
    command = [sys.executable, __file__, "--verb", verb, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_verb(verb: str, arguments: list[str]) -> None:
    import meadow_py as mp

    verbs: dict[str, Callable[..., object]] = {
        "pack": mp.pack,
        "verify": mp.verify,
        "unpack": mp.unpack,
    }
    with PeakAnonymousMemory() as memory:
        seconds, _ = timed(lambda: verbs[verb](*arguments))
    print(json.dumps({"seconds": seconds, "peak_anonymous_bytes": memory.bytes}))


def run(folder: Path) -> dict[str, Any]:
    source, packed, again = folder / "model", folder / "packed", folder / "again"
    figures: dict[str, Any] = {"machine": machine(), "bytes": make(source)}
    figures["pack"] = measure("pack", [str(source), str(packed)])
    figures["packed_bytes"] = sum(p.stat().st_size for p in packed.rglob("*") if p.is_file())
    figures["verify"] = measure("verify", [str(packed)])
    figures["unpack"] = measure("unpack", [str(packed), str(again)])
    for path in source.iterdir():
        assert filecmp.cmp(path, again / path.name, shallow=False), f"{path.name} differs"
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where there is room for 30 GB")
    parser.add_argument("--verb", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.verb:
        run_verb(options.verb, options.arguments)
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        print(json.dumps(run(folder), indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
