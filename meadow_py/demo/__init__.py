"""The bundled model: a small OPT that this project trained, with its tokenizer and its card.

``folder()`` is a plain Transformers folder. ``training/demo_model`` in the sources made it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meadow_py.sources import Checkpoint

NAME = "demo: OPT trained by this project, 1.9 M parameters"


def folder() -> Path:
    """Where ``model.safetensors``, ``config.json``, the tokenizer and the model card are.

    ``AutoModelForCausalLM.from_pretrained(folder())`` loads it. Installed packages may be
    read-only: write elsewhere.
    """
    return Path(__file__).with_name("model")


def checkpoint() -> Checkpoint:
    """The demo model, opened as any folder of a model is; only headers are read."""
    from meadow_py.sources.folder import open_folder

    return open_folder(folder(), NAME)
