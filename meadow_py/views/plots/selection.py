"""Find the setting and the weights of a plot, or list those that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from meadow_py import quantizers
from meadow_py.profiler import Profile, WeightProfile
from meadow_py.profiler.summary import packings_of
from meadow_py.spelling import visible

_SHOWN = 12  # names in a message


def named(what: str, name: object, known: Iterable[str]) -> str:
    """Return `name` if it is one of `known`.

    Raises
    ------
    ValueError
        If it is not; the message lists the known ones, the closest first.
    """
    there = list(dict.fromkeys(known))
    if isinstance(name, str) and name in there:
        return name
    close = difflib.get_close_matches(str(name), there, n=3, cutoff=0.6)
    hint = f"did you mean {_listed(close)}? " if close else ""
    raise ValueError(f"no {what} {visible(repr(name))}: {hint}there is {_listed(there)}")


def quantizers_of(profile: Profile) -> list[str]:
    """The key of every way of quantising, in the order of the run."""
    found = dict.fromkeys(p.quantizer for w in profile.weights for p in w.packings)
    if not found:
        raise ValueError("the profile holds no weights: there is nothing to draw")
    return list(found)


def quantizer_of(
    profile: Profile, bits: int | None, granularity: str | None, quantizer: str | None
) -> str:
    """The key of the first quantiser with these properties; None stands for any."""
    asked = {"bits": bits, "granularity": granularity}
    asked["quantizer"] = None if quantizer is None else quantizers.canonical(quantizer)
    known = {p.quantizer: p for w in profile.weights for p in w.packings}
    for key in quantizers_of(profile):
        if all(v is None or getattr(known[key], name) == v for name, v in asked.items()):
            return key
    said = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
    there = ", ".join(quantizers.title(key, short=True) for key in known)
    raise ValueError(f"no setting with {said} in the profile: there is {there}")


def weights_of(
    profile: Profile, role: str | None = None, weight: str | None = None
) -> tuple[WeightProfile, ...]:
    """All weights, those of a role (``attention`` means all its roles), or one by name."""
    if role is not None and weight is not None:
        raise ValueError("role and weight were both given: expected one of them")
    if weight is not None:
        name = named("weight", weight, (w.name for w in profile.weights))
        return tuple(w for w in profile.weights if w.name == name)
    if role is None:
        return profile.weights
    roles = dict.fromkeys(w.role for w in profile.weights)
    kinds = dict.fromkeys(name.partition(".")[0] for name in roles)
    name = named("weight of role", role, [*roles, *kinds])
    return tuple(w for w in profile.weights if w.role == name or w.role.startswith(f"{name}."))


def quantized_by(
    profile: Profile, quantizer: str, role: str | None = None, weight: str | None = None
) -> tuple[WeightProfile, ...]:
    """The weights of `weights_of` that have codes of the quantiser.

    Raises
    ------
    ValueError
        If none has; weights that are stored as codes have their own quantiser.
    """
    asked = weights_of(profile, role, weight)
    found = tuple(w for w in asked if packings_of(w, quantizer))
    if not found:
        what = f"weight {weight!r} has" if role is None else f"weight of role {role!r} has"
        have = dict.fromkeys(p.quantizer for w in asked for p in w.packings)
        titles = ", ".join(quantizers.title(other, short=True) for other in have)
        asked_for = quantizers.title(quantizer, short=True)
        raise ValueError(f"no {visible(what)} codes of {asked_for}: there is {titles}")
    return found


def _listed(names: list[str]) -> str:
    shown = [visible(repr(name)) for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shown) + more
