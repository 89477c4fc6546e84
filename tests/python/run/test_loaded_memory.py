"""What loading takes: nothing but the mapped file where weights are stored as they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 8,
    "hidden_size": 512,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "vocab_size": 4000,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}

SCRIPT = """
import sys
import meadow_py.run.loaded
from meadow_py import _core

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))

before = anonymous()
loaded = meadow_py.run.loaded.load_engine(sys.argv[1], form="dense")
print(loaded.nbytes, anonymous() - before)
"""


def test_mapped_weights_take_no_memory_of_their_own(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    from meadow_py.architectures import resolve

    shapes = resolve(CONFIG, {}).expected_shapes()
    held = {name: np.zeros(shape, ml_dtypes.bfloat16) for name, shape in shapes.items()}
    safetensors.save_file(held, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    nbytes, anonymous = map(int, done.stdout.split())
    assert nbytes > 70 << 20
    assert anonymous < 8 << 20
