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
    """Return the folder of ``model.safetensors``, ``config.json``, the tokenizer and the card.

    ``AutoModelForCausalLM.from_pretrained(folder())`` loads the model. The folder may be read-only
    where the package is installed, so write elsewhere.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    return Path(__file__).with_name("model")


def checkpoint() -> Checkpoint:
    """Open the demo model. Only headers are read.

    Returns
    -------
    Checkpoint
        The model's tensors and configuration.
    """
    from meadow_py.sources.folder import open_folder

    return open_folder(folder(), NAME)
