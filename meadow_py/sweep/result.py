"""The result of `sweep`: a profile of many settings, and the sweet spots among them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from meadow_py.profiler import Profile
from meadow_py.quantizers import canonical
from meadow_py.records import RecordError, to_json_types
from meadow_py.results import Result
from meadow_py.sweep.sweet_spots import SweetSpot, choices, sweet_spots

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Sensitivity(Result):
    """How the size and quality of a model's weights depend on quantising and packing.

    Attributes
    ----------
    profile : Profile
        Every weight under every setting.
    """

    profile: Profile

    KIND: ClassVar[str] = "sweep"
    MARKS: ClassVar[tuple[str, ...]] = ("kind", "profile")
    AGAIN: ClassVar[str] = "sweep the model again"

    @cached_property
    def sweet_spots(self) -> tuple[SweetSpot, ...]:
        """Sweet spots, one for each way of quantising and role; see `best`."""
        return sweet_spots(self.profile)

    def best(
        self,
        role: str | None = None,
        bits: int | None = None,
        granularity: str | None = None,
        quantizer: str | None = None,
    ) -> tuple[SweetSpot, ...]:
        """The best choice for each kind of layer, if no weight may lose SNR.

        Each way of quantising in the sweep is the reference in turn. It is compared with all ways
        of quantising whose SNR is not lower in any weight of the role. The smallest packing among
        them is the sweet spot, unless a dense form or a plain Huffman code among them is smaller.
        The storage codec is listed too, to show what is attainable.

        Parameters
        ----------
        role : str, optional
            Only this role, or ``all`` for all weights together.
        bits : int, optional
        granularity, quantizer : str, optional
            Only references with these bits, granularity and quantiser; `quantizer` is a key.

        Returns
        -------
        tuple of SweetSpot
            One for each reference and role.

        Raises
        ------
        ValueError
            If nothing in the sweep matches.
        """
        key = None if quantizer is None else canonical(quantizer)
        wanted = {"role": role, "bits": bits, "granularity": granularity, "quantizer": key}
        found = self.sweet_spots
        for name, value in wanted.items():
            there = dict.fromkeys(getattr(spot, name) for spot in found)
            found = tuple(s for s in found if value is None or getattr(s, name) == value)
            if not found:
                raise ValueError(
                    f"{name}={value!r}: expected one of {', '.join(str(v) for v in there)}"
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """The sweep as JSON types: the contract of ``meadow sweep --json``.

        Returns
        -------
        dict
        """
        return {**self._head(), "profile": self.profile.to_dict()}

    def to_json(self) -> str:
        """The sweep as strict JSON, one line per weight, so that files diff well.

        Returns
        -------
        str
            The JSON, with a line feed at its end.
        """
        head = json.dumps(self._head(), allow_nan=False)[:-1]
        return f'{head}, "profile": {self.profile.to_json().rstrip()}}}\n'

    def _head(self) -> dict[str, Any]:
        """Everything in a sweep except its profile, as JSON types."""
        spots = [
            {**to_json_types(spot), "sweet_spot": to_json_types(spot.sweet_spot)}
            for spot in self.sweet_spots
        ]
        return {"version": self.VERSION, "kind": self.KIND, "sweet_spots": spots}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sensitivity:
        """Make a sweep from what `to_dict` returned. Its profile is read; the rest follows from it.

        Parameters
        ----------
        data : dict
            JSON types.

        Returns
        -------
        Sensitivity

        Raises
        ------
        FormatError
            If its profile is no profile, or is of another version.
        ValueError
            If a value is missing or wrong; it holds the path of the first one.
        """
        Profile.require_kind(data["profile"], "its profile")
        try:
            return cls(Profile.from_dict(data["profile"]))
        except RecordError as wrong:
            raise wrong.inside("profile") from None

    def to_dataframe(self) -> pandas.DataFrame:
        """A table with one row for each role and way to store it. Needs pandas.

        Returns
        -------
        pandas.DataFrame
            Columns: ``role weights values quantizer bits granularity codec chunk_size
            bits_per_weight ratio snr_db``. The codec is ``dense``, ``plain_huffman``, ``huffman``,
            ``storage`` or a packing; ratios are against dense codes of the same quantiser. For
            single weights, see ``profile.to_dataframe()``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return super().to_dataframe().astype({"chunk_size": "Int64"})

    def to_rows(self) -> list[dict[str, Any]]:
        """The rows of `to_dataframe`.

        Returns
        -------
        list of dict
            One flat dict for each role and way to store it.
        """
        return [
            {"role": role, "weights": weights, "values": values, **asdict(choice)}
            for role, weights, values, choice in choices(self.profile)
        ]

    def plot(self, kind: str = "rate-distortion", ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one figure of the sweep, without showing it; see `Profile.plot`.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return self.profile.plot(kind, ax, **options)

    def _repr_html_(self) -> str:
        from meadow_py.views.html import sensitivity_html

        return sensitivity_html(self)

    def __repr__(self) -> str:
        from meadow_py.views.terminal import render_text

        return render_text(self)
