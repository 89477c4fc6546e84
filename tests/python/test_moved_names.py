"""Names that moved or changed still work, and say where they are."""

from __future__ import annotations

import importlib

import pytest

from meadow_py import measure
from meadow_py.claims import claim, huff_llm
from meadow_py.claims.meadow import retrace, space

MOVED = (
    ("meadow_py.simulator.meadow", "retrace", retrace.retrace),
    ("meadow_py.simulator.meadow", "STATED", retrace.STATED),
    ("meadow_py.simulator.meadow", "Claim", retrace.GainRange),
    ("meadow_py.simulator.meadow", "CLAIMS", retrace.GAIN_RANGES),
    ("meadow_py.simulator.meadow_space", "SPACE", space.SPACE),
    ("meadow_py.simulator.huffman_hardware", "retrace_huffman", huff_llm.retrace_huffman),
    ("meadow_py.simulator.huffman_hardware", "WeightsMeasured", huff_llm.WeightsMeasured),
    ("meadow_py.claims.claim", "Source", claim.Publication),
    ("meadow_py.measure", "Compute", measure.ComputeSpeed),
    ("meadow_py.measure", "Timing", measure.TaskTime),
)


@pytest.mark.parametrize(("module", "name", "now"), MOVED)
def test_a_moved_name_is_the_same_object_and_warns(module: str, name: str, now: object) -> None:
    with pytest.warns(DeprecationWarning, match="has moved to meadow_py"):
        assert getattr(importlib.import_module(module), name) is now


def test_a_name_that_never_was_is_refused() -> None:
    name = "nothing"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(importlib.import_module("meadow_py.simulator.meadow"), name)
