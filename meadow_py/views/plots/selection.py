"""Which setting and which weights a plot is about, and what there is instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from meadow_py.profiler.result import Packing, Profile, WeightProfile
from meadow_py.spelling import visible
from meadow_py.views.spelling import setting_title

Setting = tuple[int, str]  # bits, granularity
_SHOWN = 12  # names in a message


def named(what: str, name: object, known: Iterable[str]) -> str:
    """`name` where it is one of `known`.

    Raises
    ------
    ValueError
        With those that are, the closest first.
    """
    there = list(dict.fromkeys(known))
    if isinstance(name, str) and name in there:
        return name
    close = difflib.get_close_matches(str(name), there, n=3, cutoff=0.6)
    hint = f"did you mean {_listed(close)}? " if close else ""
    raise ValueError(f"no {what} {visible(repr(name))}: {hint}there is {_listed(there)}")


def settings_of(profile: Profile) -> list[Setting]:
    """Every way of quantising, in the order of the run."""
    found = dict.fromkeys((p.bits, p.granularity) for w in profile.weights for p in w.packings)
    if not found:
        raise ValueError("the profile holds no weights: there is nothing to draw")
    return list(found)


def setting_of(profile: Profile, bits: int | None, granularity: str | None) -> Setting:
    """The first setting with these bits and this granularity; None stands for any."""
    known = settings_of(profile)
    for setting in known:
        if bits in (None, setting[0]) and granularity in (None, setting[1]):
            return setting
    asked = ", ".join(
        f"{name}={value!r}"
        for name, value in (("bits", bits), ("granularity", granularity))
        if value is not None
    )
    there = ", ".join(setting_title(*setting, short=True) for setting in known)
    raise ValueError(f"no setting with {asked} in the profile: there is {there}")


def weights_of(
    profile: Profile, role: str | None = None, weight: str | None = None
) -> tuple[WeightProfile, ...]:
    """All weights, those of a role (``attention`` is all of its kind), or the one of a name."""
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


def with_setting(
    profile: Profile, setting: Setting, role: str | None = None, weight: str | None = None
) -> tuple[WeightProfile, ...]:
    """Those of `weights_of` that have codes of the setting.

    Raises
    ------
    ValueError
        If none has: weights that are stored as codes have a setting of their own.
    """
    asked = weights_of(profile, role, weight)
    found = tuple(w for w in asked if packings_of(w, setting))
    if not found:
        what = f"weight {weight!r} has" if role is None else f"weight of role {role!r} has"
        have = dict.fromkeys((p.bits, p.granularity) for w in asked for p in w.packings)
        titles = ", ".join(setting_title(*other, short=True) for other in have)
        raise ValueError(
            f"no {visible(what)} codes of {setting_title(*setting, short=True)}: there is {titles}"
        )
    return found


def packings_of(weight: WeightProfile, setting: Setting) -> tuple[Packing, ...]:
    """The packings of a weight under a setting, one per chunk size."""
    return tuple(p for p in weight.packings if (p.bits, p.granularity) == setting)


def _listed(names: list[str]) -> str:
    shown = [visible(repr(name)) for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shown) + more
