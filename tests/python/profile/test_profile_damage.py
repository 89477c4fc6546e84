"""Every value of a saved profile and sweep, damaged one by one."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import meadow_py as mp
from meadow_py.results import Result

UP, DOWN = "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight"
HUGE = 10**400
DAMAGE: dict[str, Any] = {
    "wrong type": {"nonsense": "x"},
    "a list": [[]],
    "negative": -7,
    "NaN": float("nan"),
    "text": "NaN",
    "null": None,
    "flag": True,
    "huge": HUGE,
    "large": 1e300,
}
Place = tuple[str | int, ...]


def _weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        UP: random.standard_normal((8, 12)).astype(np.float32),
        DOWN: random.integers(-3, 3, (8, 6)).astype(np.int8),
    }


@pytest.fixture(scope="module")
def profiled() -> mp.Profile:
    return mp.profile(_weights(), granularity="row", chunk_sizes=(2, 3), measure=True, threads=1)


@pytest.fixture(scope="module")
def swept() -> mp.Sensitivity:
    return mp.sweep(_weights(), granularity="row", bits=8, chunk_sizes=2, threads=1)


def leaves(data: Any, place: Place = ()) -> Iterator[Place]:
    """Places of all values that hold no others; of long lists, the first and the last."""
    if isinstance(data, dict):
        for key in data:
            yield from leaves(data[key], (*place, key))
    elif isinstance(data, list) and data:
        for n in sorted({0, len(data) - 1}):
            yield from leaves(data[n], (*place, n))
    else:
        yield place


def spelled(place: Place) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")


def owner_of(data: Any, place: Place) -> Any:
    for step in place[:-1]:
        data = data[step]
    return data


def loaded_or_refused(kind: type[Result], data: Any, place: Place, seen: set[str]) -> bool:
    """Whether the file is refused; then the message names the place, or what holds it."""
    try:
        made = kind.from_json_types(data, "file.json")
    except mp.FormatError as error:
        message = str(error)
        assert message.startswith("file.json: ")
        if len(place) > 1 and not re.search(r"not an? |version", message):
            named = {spelled(place[:n]) for n in range(1, len(place) + 1)}
            assert any(name in message for name in named), message
        return True
    if (text := made.to_json()) not in seen:  # the same JSON has the same repr
        assert repr(made)
        seen.add(text)
    return False


@pytest.mark.parametrize("name", ["profile", "sweep"])
def test_every_damaged_leaf_loads_or_is_refused_by_its_place(
    name: str, profiled: mp.Profile, swept: mp.Sensitivity
) -> None:
    result: Result = profiled if name == "profile" else swept
    whole = json.loads(result.to_json())
    places = list(leaves(whole))
    assert len(places) > 100
    refused, seen = 0, set[str]()
    for place in places:
        owner, key = owner_of(whole, place), place[-1]
        kept = owner[key]
        for value in DAMAGE.values():
            owner[key] = value
            refused += loaded_or_refused(type(result), whole, place, seen)
        owner[key] = kept
        if isinstance(owner, dict):
            refused += loaded_or_refused(type(result), _without(whole, place), place, seen)
    assert refused > 3 * len(places)
    assert type(result).from_json_types(whole, "file.json") == result


def _without(whole: Any, place: Place) -> Any:
    damaged = copy.deepcopy(whole)
    del owner_of(damaged, place)[place[-1]]
    return damaged


def test_an_additional_key_in_any_object_is_ignored_or_kept(profiled: mp.Profile) -> None:
    whole = json.loads(profiled.to_json())
    objects = {place[:-1] for place in leaves(whole) if isinstance(place[-1], str)}
    assert len(objects) > 20
    for place in objects:
        owner = owner_of(whole, (*place, ""))
        owner["added_later"] = 1
        loaded_or_refused(mp.Profile, whole, (*place, "added_later"), set())
        del owner["added_later"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: w["packings"][1].update(bits="8"),
            r"weights[0].packings[1].bits must be an integer, not '8'",
        ),
        (
            lambda w: w.update(role="mlp"),
            "weights[0].role must be a role such as 'mlp.up', not 'mlp'",
        ),
        (lambda w: w.update(shape=[0, 3]), "weights[0].shape[0] must be a number at least 1"),
        (lambda w: w.update(packings="all"), "weights[0].packings must be a list, not 'all'"),
        (lambda w: w["floors"].pop("joint"), "weights[0].floors must have the key 'joint'"),
        (
            lambda w: w["packings"][0].update(bits=4),
            "weights[0].packings[0].bits must be 8 under the quantizer 'int8:row', not 4",
        ),
        (
            lambda w: w["packings"][0]["ledgers"]["naive"].update(codes=-1),
            "weights[0].packings[0].ledgers.naive.codes must be a number at least 0",
        ),
    ],
)
def test_the_message_names_place_expected_and_found(
    profiled: mp.Profile, swept: mp.Sensitivity, change: Callable[[Any], Any], message: str
) -> None:
    data = json.loads(profiled.to_json())
    change(data["weights"][0])
    with pytest.raises(mp.FormatError, match=re.escape(f"damaged profile: {message}")):
        mp.Profile.from_json_types(data, "file.json")
    sweep = json.loads(swept.to_json()) | {"profile": data}
    with pytest.raises(mp.FormatError, match=re.escape(f"damaged sweep: profile.{message}")):
        mp.Sensitivity.from_json_types(sweep, "file.json")


def test_former_names_work_and_warn() -> None:
    import importlib

    from meadow_py import profiler

    with pytest.warns(DeprecationWarning, match="now called WeightPacking"):
        assert profiler.Packing is profiler.WeightPacking
    with pytest.warns(DeprecationWarning, match="now called ProfileSettings"):
        assert profiler.Settings is profiler.ProfileSettings
    with pytest.warns(DeprecationWarning, match="now called SmallestPacking"):
        assert profiler.summary.Candidate is profiler.summary.SmallestPacking
    with pytest.warns(DeprecationWarning, match="now called meadow_py.sweep"):
        former = importlib.import_module("meadow_py.sensitivity")
    assert former.Choice is importlib.import_module("meadow_py.sweep").Choice
    assert callable(mp.sweep)
