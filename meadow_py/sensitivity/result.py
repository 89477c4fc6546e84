"""The result of `sweep`: a profile of many settings, and the sweet spots among them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from meadow_py.profiler import Profile
from meadow_py.quantizers import canonical
from meadow_py.results import data_frame
from meadow_py.sensitivity.spots import SweetSpot, choices, sweet_spots

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Sensitivity:
    """How the size and quality of a model's weights depend on quantising and packing.

    Attributes
    ----------
    profile : Profile
        Every weight under every setting.
    """

    profile: Profile

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
                    f"{name}={value!r}: the sweep has {', '.join(str(v) for v in there)}"
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """The sweep as JSON types: the contract of ``meadow sweep --json``.

        Returns
        -------
        dict
        """
        from meadow_py.sensitivity.serial import head_to_dict

        return {**head_to_dict(self), "profile": self.profile.to_dict()}

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
        rows = [
            {"role": role, "weights": weights, "values": values, **asdict(choice)}
            for role, weights, values, choice in choices(self.profile)
        ]
        return data_frame(self, rows).astype({"chunk_size": "Int64"})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sweep as JSON. The file appears whole or not at all.

        Parameters
        ----------
        path : path
        """
        from meadow_py.sensitivity.serial import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sensitivity:
        """Read a sweep that `save` or ``meadow sweep --json`` wrote.

        Parameters
        ----------
        path : path

        Returns
        -------
        Sensitivity

        Raises
        ------
        FormatError
            If the file is no sweep, is damaged, or is of another version.
        OSError
            If the file cannot be read.
        """
        from meadow_py.sensitivity.serial import load

        return load(path)

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
