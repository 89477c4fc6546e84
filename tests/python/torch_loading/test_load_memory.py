"""Loading must not hold the decoded model twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meadow_py.checkpoint import pack

MIB = 2**20
LOAD = """
import sys, threading, time
import meadow_py.torch
from transformers import AutoModelForCausalLM
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
folder, small, words = sys.argv[1], sys.argv[2], dict(word.split("=") for word in sys.argv[3:])
AutoModelForCausalLM.from_pretrained(small)
before, peak, done = anonymous(), 0, False
def watch():
    global peak
    while not done:
        peak = max(peak, anonymous())
        time.sleep(0.001)
watcher = threading.Thread(target=watch)
watcher.start()
model = AutoModelForCausalLM.from_pretrained(folder, **words)
done = True
watcher.join()
print(sum(p.nbytes for p in model.parameters()), peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("words", [[], ["dtype=float32"]], ids=["stored", "float32"])
def test_the_peak_is_the_model_and_a_few_tensors(
    words: list[str], packed: Any, tmp_path: Path
) -> None:
    save(tmp_path / "dense")
    pack(tmp_path / "dense", tmp_path / "packed")
    arguments = [str(tmp_path / "packed"), str(packed("llama-f32-sharded")), *words]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    size, peak = map(int, done.stdout.split())
    assert size >= 100 * MIB
    assert 0.9 * size < peak < size + 32 * MIB, f"{peak / MIB:.0f} of {size / MIB:.0f} MiB"


def save(folder: Path) -> None:
    """A Llama of 100 MiB in tensors of at most 2 MiB."""
    import torch
    import transformers

    sizes = {"hidden_size": 768, "intermediate_size": 1280, "num_hidden_layers": 10}
    heads = {"num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 1000}
    config = transformers.LlamaConfig(**sizes, **heads)
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
