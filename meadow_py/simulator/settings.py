"""Values of an accelerator that no source gives, each with a name, a default and a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal

from meadow_py.simulator.phase import Assumption


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of the dataflows that are not in a device file.

    Attributes
    ----------
    overlap : float
        How much of the shorter of transfer and compute is hidden by the longer, 0 to 1.
    macs_per_cycle, clock : float, optional
        Multiply-accumulates per cycle of one element, and the clock in hertz. By default, the
        device's.
    parallel, broadcasting : int, optional
        Number of elements of each kind. By default, the device's.
    gemm_elements : {"all", "parallel"}
        Which elements work on a product in GEMM mode.
    softmax_per_cycle : float, optional
        Values that all softmax units together take in per cycle. By default, one for each
        broadcasting element.
    elementwise_per_cycle : float, optional
        Values of norms, residuals and activations per cycle. By default, one for each element.
    fill_cycles : float
        Cycles before a pipeline delivers its first result, once per head.
    score_factor : float
        Bits of an attention score in memory, divided by the bits of an activation.
    mask_skipped : bool
        Whether scores hidden by the causal mask are skipped; otherwise they are computed and
        discarded.
    elementwise_to_memory : bool
        Whether norms, residuals and activations read and write off-chip memory.
    on_chip : float, optional
        Bytes of all buffers. By default, the device's.
    weight_share, input_share : float
        Shares of the buffers that hold weights and inputs; outputs have the rest.
    operand_reuse : float
        Multiply-accumulates served by one read of an operand from a buffer.

    Raises
    ------
    TypeError
        For values that are not numbers.
    ValueError
        For values out of range.
    """

    overlap: float = 1.0
    macs_per_cycle: float | None = None
    clock: float | None = None
    parallel: int | None = None
    broadcasting: int | None = None
    gemm_elements: Literal["all", "parallel"] = "all"
    softmax_per_cycle: float | None = None
    elementwise_per_cycle: float | None = None
    fill_cycles: float = 0.0
    score_factor: float = 1.0
    mask_skipped: bool = False
    elementwise_to_memory: bool = False
    on_chip: float | None = None
    weight_share: float = 0.5
    input_share: float = 0.25
    operand_reuse: float = 16.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "gemm_elements" and not isinstance(value, int | float | None):
                raise TypeError(f"{field.name}: expected a number, found {value!r}")
        if not 0 <= self.overlap <= 1:
            raise ValueError(f"overlap: expected 0 to 1, found {self.overlap!r}")
        if self.gemm_elements not in ("all", "parallel"):
            raise ValueError(
                f"gemm_elements: expected 'all' or 'parallel', found {self.gemm_elements!r}"
            )
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name}: expected a positive number, found {value!r}")
        if not 0 <= self.fill_cycles < float("inf"):
            raise ValueError(f"fill_cycles: expected 0 or more, found {self.fill_cycles}")
        if not (self.weight_share > 0 and self.input_share > 0) or (
            self.weight_share + self.input_share > 1
        ):
            raise ValueError(
                "weight_share and input_share: expected positive numbers that add up to at most 1, "
                f"found {self.weight_share!r} and {self.input_share!r}"
            )

    def assumptions(self) -> Iterator[Assumption]:
        """Every parameter with its value.

        Yields
        ------
        Assumption
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                value = _DEFAULTS.get(field.name)
            if value is not None:
                unit, reason = _REASONS.get(field.name, ("", "set by the caller"))
                kept = value if isinstance(value, str) else float(value)
                yield Assumption(field.name, kept, unit, reason)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Settings:
        """Settings from keyword arguments.

        Parameters
        ----------
        values : dict of str to float or str
            Fields by name; those left out keep their defaults.

        Returns
        -------
        Settings

        Raises
        ------
        TypeError
            For a value that is not a number.
        ValueError
            For an unknown name, listing the known ones, and for values out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(
                f"unknown setting {', '.join(unknown)}: expected one of {', '.join(known)}"
            )
        for name, value in values.items():
            if name != "gemm_elements" and not isinstance(value, Real | None):
                raise TypeError(f"{name}: expected a number, found {value!r}")
        return cls(**values)


_POSITIVE = (
    "macs_per_cycle",
    "clock",
    "parallel",
    "softmax_per_cycle",
    "elementwise_per_cycle",
    "score_factor",
    "on_chip",
    "operand_reuse",
)
_DEFAULTS = {
    "softmax_per_cycle": "one for each broadcasting element",
    "elementwise_per_cycle": "one for each element",
}
_SILENT = "no source at hand gives it"
_REASONS = {
    "overlap": ("", f"{_SILENT}; 1: double buffers hide the shorter of transfer and compute"),
    "gemm_elements": ("", f"{_SILENT}; MEADOW's elements are said to be hybrid"),
    "softmax_per_cycle": ("values/cycle", _SILENT),
    "elementwise_per_cycle": ("values/cycle", _SILENT),
    "fill_cycles": ("cycles", f"{_SILENT}; 0: pipelines of successive heads follow without a gap"),
    "score_factor": ("", f"{_SILENT}; 1: scores are stored as activations are"),
    "mask_skipped": ("", f"{_SILENT}; dense arrays compute whole tiles"),
    "elementwise_to_memory": ("", f"{_SILENT}; 0: fused with the product beside them"),
    "weight_share": ("", f"{_SILENT}: half of the buffers for weights"),
    "input_share": ("", f"{_SILENT}: a quarter for inputs, the rest for outputs"),
    "operand_reuse": ("MAC", f"{_SILENT}; only energy depends on it"),
}
