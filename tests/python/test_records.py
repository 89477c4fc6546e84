"""Dataclasses to JSON types and back: what does not fit its annotation is refused with its path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from meadow_py.records import (
    NOT_STORED,
    Count,
    NonNegative,
    RecordError,
    from_json_types,
    to_json_types,
)


@dataclass(frozen=True)
class Inner:
    low: NonNegative
    high: float = 2.0

    def check_record(self) -> None:
        if self.low > self.high:
            raise ValueError(f"expected low <= high, found {self.low:g} and {self.high:g}")


@dataclass(frozen=True)
class Outer:
    name: str
    count: Count
    flag: bool
    kind: Literal["a", "b"]
    inner: Inner | None
    many: tuple[Inner, ...]
    pair: tuple[int, str]
    by_name: dict[str, float]
    cached: object = field(default=None, metadata=NOT_STORED)


GOOD = Outer("x", 3, True, "a", Inner(1), (Inner(0, 0.5),), (1, "y"), {"z": 2}, cached=object())
DATA = to_json_types(GOOD)


def test_round_trip() -> None:
    again = from_json_types(Outer, DATA)
    assert to_json_types(again) == DATA
    assert again.many == GOOD.many
    assert again.cached is None
    assert "cached" not in DATA
    assert isinstance(again.inner, Inner)
    assert isinstance(again.inner.low, int)  # as it was, so that it is saved alike


def test_keys_of_later_versions_are_left_out_and_defaults_used() -> None:
    data = {**DATA, "new": 1, "inner": {"low": 1, "newer": 2}}
    assert from_json_types(Outer, data).inner == Inner(1, 2.0)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["name"], 1, "name must be text, not 1"),
        (["count"], -1, "count must be a number at least 0, not -1"),
        (["count"], True, "count must be an integer, not True"),
        (["count"], 1.5, "count must be an integer, not 1.5"),
        (["flag"], 1, "flag must be true or false, not 1"),
        (["kind"], "c", "kind must be one of a, b, not 'c'"),
        (["inner"], [], r"inner must be an object, not \[\]"),
        (["inner", "low"], "fast", "inner.low must be a finite number, not 'fast'"),
        (["inner", "low"], float("nan"), "inner.low must be a finite number, not nan"),
        (["inner", "low"], 10**400, "inner.low must be a finite number"),
        (["inner", "low"], 5, "inner: expected low <= high, found 5 and 2"),
        (["many"], {}, "many must be a list"),
        (["many", 0, "high"], None, r"many\[0\].high must be a finite number, not None"),
        (["pair"], [1], r"pair must be a list of 2 values, not \[1\]"),
        (["pair", 1], 1, r"pair\[1\] must be text, not 1"),
        (["by_name", "z"], "q", "by_name.z must be a finite number, not 'q'"),
    ],
)
def test_a_wrong_value_is_named(path: list[Any], value: Any, said: str) -> None:
    data = to_json_types(GOOD)
    at = data
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(RecordError, match=f"^{said}"):
        from_json_types(Outer, data)


def test_a_missing_key_is_named() -> None:
    data = {key: value for key, value in DATA.items() if key != "count"}
    with pytest.raises(RecordError, match="must have the key 'count', which is missing"):
        from_json_types(Outer, data)
    with pytest.raises(RecordError, match=r"^many\[0\] must have the key 'low', which is missing"):
        from_json_types(Outer, {**DATA, "many": [{}]})
