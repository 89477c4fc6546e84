"""What each family tells the engine, against transformers, by the forward pass in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy_engine import logits
from small_models import Case, every_case, logits_of, prompt, save

from meadow_py.dispatch import open_checkpoint
from meadow_py.run.assembly import assemble


@every_case
def test_logits_are_those_of_transformers(case: Case, tmp_path: Path) -> None:
    model = save(case, tmp_path)
    tokens = prompt(101)
    expected = logits_of(model, tokens)
    with open_checkpoint(tmp_path) as checkpoint:
        made = assemble(checkpoint)
    found = logits(made, tokens)
    assert np.abs(found - expected).max() <= 2e-5 * np.abs(expected).max()
    assert made.unused == ()
