"""`retrace_huffman`: sweep the assumptions of Huff-LLM's claims, and keep each prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meadow_py.claims.huff_llm.assumptions import AREA_AXES, AXES, WeightsMeasured
from meadow_py.claims.huff_llm.sets import TimeSweep, area_rows
from meadow_py.devices import EnergyTable, energy_table
from meadow_py.results import data_frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class HuffmanRetrace:
    """The predictions of `retrace_huffman`.

    Attributes
    ----------
    weights : tuple of WeightsMeasured
    time_rows : tuple of dict
        A row for each set of `AXES`: the set, and its savings of latency and energy (with the
        ``low``, ``typical`` and ``high`` energies of the table), all as shares.
    area_rows : tuple of dict
        A row for each set of `AREA_AXES`, unit and buffer: the overhead, first with a weight
        buffer of the same bytes, then with one that holds the same number of weights.
    """

    weights: tuple[WeightsMeasured, ...]
    time_rows: tuple[dict[str, Any], ...]
    area_rows: tuple[dict[str, Any], ...]
    axes: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        from meadow_py.views.terminal.huffman_retrace import huffman_retrace_text

        return huffman_retrace_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert the claims, the results and their assumptions to JSON types.

        Returns
        -------
        dict
        """
        from meadow_py.claims.huff_llm.report import retrace_to_dict

        return retrace_to_dict(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """`time_rows` as a table. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        return data_frame(self, self.time_rows)


def retrace_huffman(
    weights: Sequence[WeightsMeasured],
    *,
    models: Sequence[Any],
    energy: str | EnergyTable = "lpddr4",
    axes: Mapping[str, Sequence[Any]] | None = None,
    area_axes: Mapping[str, Sequence[Any]] | None = None,
) -> HuffmanRetrace:
    """Sweep the assumptions and keep what each set predicts.

    Parameters
    ----------
    weights : sequence of WeightsMeasured
        Weights whose bits per weight are assumed for all weights of the models, which is an
        extrapolation.
    models : sequence
        Models as for `simulate`.
    energy : str or EnergyTable
    axes, area_axes : mapping, optional
        Values that replace some of those in `AXES` and `AREA_AXES`.

    Returns
    -------
    HuffmanRetrace

    Raises
    ------
    ValueError
        For an axis that is unknown or has no values, and as `simulate`.
    """
    chosen = _axes(AXES, axes)
    chosen_area = _axes(AREA_AXES, area_axes)
    table = energy_table(energy)
    sweep = TimeSweep(chosen, table)
    time_rows = [row for one in weights for model in models for row in sweep.rows(one, model)]
    areas = [row for one in weights for row in area_rows(one, chosen, chosen_area)]
    return HuffmanRetrace(tuple(weights), tuple(time_rows), tuple(areas), {**chosen, **chosen_area})


def _axes(
    known: Mapping[str, Sequence[Any]], given: Mapping[str, Sequence[Any]] | None
) -> dict[str, tuple[Any, ...]]:
    unknown = sorted(set(given or {}) - set(known))
    if unknown:
        raise ValueError(f"axes: expected some of {', '.join(known)}, found {', '.join(unknown)}")
    chosen = {name: tuple(values) for name, values in {**known, **(given or {})}.items()}
    empty = [name for name, values in chosen.items() if not values]
    if empty:
        raise ValueError(f"axes: expected at least one value of {', '.join(empty)}, found none")
    return chosen
