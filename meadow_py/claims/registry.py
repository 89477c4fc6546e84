"""All claims, source after source, recorded or computed. A new claim is a file and a line here."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.claims import entropy_coders, profiler_post
from meadow_py.claims.claim import Claim, Figure, MissingData
from meadow_py.claims.huff_llm import savings
from meadow_py.claims.material import Material, model_name
from meadow_py.claims.meadow import figure_1, figure_4a, figure_10a, figure_12, gains, paper
from meadow_py.claims.result import ClaimRow, Claims

if TYPE_CHECKING:
    from meadow_py.sources import Checkpoint


CLAIMS: tuple[Claim, ...] = (
    *profiler_post.CLAIMS,
    *figure_1.CLAIMS,
    *figure_4a.CLAIMS,
    *figure_10a.CLAIMS,
    *gains.CLAIMS,
    *figure_12.CLAIMS,
    *paper.CLAIMS,
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


def claims(*ids: str, run: bool = False, model: Any = None) -> Claims:
    """Published claims of MEADOW, Huff-LLM and others, with this library's figures and verdicts.

    Parameters
    ----------
    *ids : str
        Ids of the claims; all claims if none is given.
    run : bool
        True computes the claims again. False returns the recorded results, with commit, CPU, date
        and command.
    model : optional
        With `run`, anything that `open_checkpoint` takes, or a list of such models, whose weights
        are packed. None: the bundled demo.

    Returns
    -------
    Claims

    Raises
    ------
    ValueError
        For an unknown id, and for a model without `run`.
    FormatError, OSError
        As `open_checkpoint`.
    """
    chosen = named(ids)
    if not run:
        if model is not None:
            raise ValueError(
                "model needs run=True: recorded figures are not of a model of your choice"
            )
        return Claims(tuple(_recorded_row(claim) for claim in chosen))
    models = [model] if model is not None and not isinstance(model, list | tuple) else model
    material = Material(_opened(models))
    given = [] if models is None else [str(one) for one in models if isinstance(one, str | Path)]
    return Claims(tuple(_computed_row(claim, material, given) for claim in chosen))


def _opened(models: Sequence[Any] | None) -> list[tuple[str, Checkpoint]]:
    from meadow_py import demo, open_checkpoint

    if models is None:
        return [("the demo", demo.checkpoint())]
    return [(model_name(one), open_checkpoint(one)) for one in models]


def _computed_row(claim: Claim, material: Material, models: Sequence[str]) -> ClaimRow:
    command = ["meadow", "claims", "--run", claim.id]
    if claim.compute is None:
        return _row(claim, None, command, claim.needs)
    if not claim.needs.startswith("nothing"):
        command += [part for one in models for part in ("--model", one)]
    try:
        found = claim.compute(material)
    except MissingData as missing:
        return _row(claim, None, command, str(missing))
    return _row(claim, found, command, claim.needs)


def _row(claim: Claim, found: Figure | None, command: Sequence[str], needs: str) -> ClaimRow:
    rule, source = claim.rule, claim.source
    return ClaimRow(
        id=claim.id,
        source=f"{source.name}: {source.reference}",
        title=source.title,
        page=claim.page,
        claim=claim.claim,
        published=claim.published,
        read_from=source.read_from,
        rule="" if rule is None else str(rule),
        needs=needs,
        ours=rule.spelled(found.value) if rule and found else None,
        value=found.value if found else None,
        detail=found.detail if found else "",
        stands_in=found.stands_in if found else "",
        verdict=rule.verdict(found.value, bool(found.stands_in)) if rule and found else None,
        command=shlex.join(command),
    )


def _recorded_row(claim: Claim) -> ClaimRow:
    found = recorded().get(claim.id)
    if found is None:
        return _row(claim, None, ["meadow", "claims", "--run", claim.id], claim.needs)
    return found


@functools.cache
def recorded() -> dict[str, ClaimRow]:
    """The rows that come with the package, by id; ``benchmarks/claims.py`` writes them."""
    file = files("meadow_py.claims").joinpath("recorded.json")
    made = Claims.from_json_types(json.loads(file.read_text("utf-8")), "recorded.json")
    return {row.id: row for row in made}
