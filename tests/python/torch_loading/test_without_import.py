"""What happens where something is missing: our import, a new enough Transformers, torch."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Find


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": ""}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


LOAD = """
import sys
import transformers
getattr(transformers, sys.argv[2]).from_pretrained(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("opt-bf16", "AutoModel"),
        ("llama-f32-sharded", "AutoModelForCausalLM"),
        ("llama-bf16-bin-sharded", "AutoModelForCausalLM"),
    ],
)
def test_without_the_import_transformers_finds_no_weights(
    name: str, kind: str, packed: Find
) -> None:
    done = run(LOAD, str(packed(name)), kind)
    assert done.returncode == 1
    assert "Unknown quantization type, got meadow" in done.stderr
    assert "OSError: Error no file named model.safetensors" in done.stderr
    assert "newly initialized" not in done.stderr


def test_the_configuration_says_what_to_import(packed: Find) -> None:
    import transformers

    config = transformers.AutoConfig.from_pretrained(packed("opt-bf16"))
    assert "import meadow_py.torch" in config.quantization_config["note"]


def test_an_old_transformers_is_named_with_what_is_needed(
    packed: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModel

    import meadow_py.torch

    AutoModel.from_pretrained(packed("opt-bf16"))  # Transformers replaces its module meanwhile
    monkeypatch.setattr(sys.modules["transformers"], "__version__", "4.57.6")
    with pytest.raises(ImportError, match=r"load with transformers>=5\.0, found 4\.57\.6: pip"):
        AutoModel.from_pretrained(packed("opt-bf16"))
    assert meadow_py.torch.load_state_dict(packed("opt-bf16"))


def test_without_transformers_tensors_still_load(packed: Find) -> None:
    code = """
import sys
sys.modules["transformers"] = None
import meadow_py.torch
print(len(meadow_py.torch.load_state_dict(sys.argv[1])))
"""
    done = run(code, str(packed("opt-bf16")))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_without_torch_the_extra_is_named() -> None:
    done = run("import sys; sys.modules['torch'] = None; import meadow_py.torch")
    assert done.returncode == 1
    assert "ImportError: meadow_py.torch needs torch: pip install torch" in done.stderr


def test_meadow_py_alone_imports_neither(packed: Find) -> None:
    code = """
import sys
import meadow_py
with meadow_py.open_checkpoint(sys.argv[1]) as checkpoint:
    next(iter(checkpoint.tensors.values())).raw()
print({"torch", "transformers"} & set(sys.modules))
"""
    done = run(code, str(packed("opt-bf16")))
    assert done.stdout == "set()\n", done.stderr
