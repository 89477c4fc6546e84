"""All claims, source after source. To add a claim, add a file and a line here."""

from __future__ import annotations

from meadow_py.claims import entropy_coders, profiler_post
from meadow_py.claims.claim import Claim
from meadow_py.claims.huff_llm import savings
from meadow_py.claims.meadow import figure_1, figure_4a, figure_10a, figure_12, gains, not_at_hand

CLAIMS: tuple[Claim, ...] = (
    *profiler_post.CLAIMS,
    *figure_1.CLAIMS,
    *figure_4a.CLAIMS,
    *figure_10a.CLAIMS,
    *gains.CLAIMS,
    *figure_12.CLAIMS,
    *not_at_hand.CLAIMS,
    *savings.CLAIMS,
    *entropy_coders.CLAIMS,
)


def named(ids: tuple[str, ...]) -> tuple[Claim, ...]:
    """The claims with these ids, in the order of the registry; all claims if no id is given.

    Returns
    -------
    tuple of Claim

    Raises
    ------
    ValueError
        For an unknown id.
    """
    known = {claim.id for claim in CLAIMS}
    unknown = sorted(set(ids) - known)
    if unknown:
        raise ValueError(
            f"claim: expected some of {', '.join(sorted(known))}, found {unknown[0]!r}"
        )
    return tuple(claim for claim in CLAIMS if not ids or claim.id in ids)
