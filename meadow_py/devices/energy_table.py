"""Energy of moving a bit and of multiplying two numbers, each with low, typical and high values."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from meadow_py.devices.quantity import Quantity
from meadow_py.devices.toml import Table, inherited, read_toml, start

_TABLES = Path(__file__).parent / "energy"
_PICO = 1e12
_MAC_BITS = (8, 16, 32)


@dataclass(frozen=True)
class EnergyTable:
    """Energy of single actions in picojoules, each with a band from `low` to `high`.

    Attributes
    ----------
    name, title : str
    off_chip_pj_per_bit : Quantity
        Energy of a bit read from, or written to, off-chip memory.
    on_chip_pj_per_bit : tuple of (int, Quantity)
        Energy of a bit by size of the on-chip memory in bytes, smallest first.
    mac_pj : dict of int to Quantity
        Energy of one multiply-accumulate, by bits of its operands: 8, 16, 32.
    storage_pj_per_bit : Quantity, optional
        Energy of a bit read from storage.
    """

    name: str
    title: str
    off_chip_pj_per_bit: Quantity
    on_chip_pj_per_bit: tuple[tuple[int, Quantity], ...]
    mac_pj: Mapping[int, Quantity]
    storage_pj_per_bit: Quantity | None = None

    def on_chip(self, nbytes: float) -> Quantity:
        """Picojoules per bit of an on-chip memory of `nbytes` bytes.

        Between two sizes of the table, interpolate linearly in log(size) and log(energy); beyond
        its ends, use the nearest size.

        Returns
        -------
        Quantity
        """
        sizes = self.on_chip_pj_per_bit
        above = next((at for at, (size, _) in enumerate(sizes) if size >= nbytes), len(sizes))
        if above == 0 or above == len(sizes):
            return sizes[min(above, len(sizes) - 1)][1]
        (small, less), (large, more) = sizes[above - 1], sizes[above]
        share = math.log(nbytes / small) / math.log(large / small)
        value, low, high = (
            math.exp(math.log(a) * (1 - share) + math.log(b) * share)
            for a, b in (
                (less.value, more.value),
                (less.low, more.low),
                (less.high, more.high),
            )
        )
        source = f"{less.source}; {more.source}: between {small} and {large} bytes"
        return Quantity(value, min(low, value), max(high, value), source, "derived")

    def mac(self, bits: int) -> Quantity:
        """Picojoules of one multiply-accumulate with operands of `bits` bits.

        Parameters
        ----------
        bits : int
            1 to 32; rounded up to the next width in the table.

        Returns
        -------
        Quantity

        Raises
        ------
        ValueError
            For bits outside of 1 to 32.
        """
        if not 1 <= bits <= _MAC_BITS[-1]:
            raise ValueError(f"bits={bits}: expected 1 to 32")
        return self.mac_pj[next(width for width in _MAC_BITS if bits <= width)]

    def to_dict(self) -> dict[str, Any]:
        """Convert the table to JSON types.

        Returns
        -------
        dict
        """
        storage = self.storage_pj_per_bit
        return {
            "name": self.name,
            "title": self.title,
            "off_chip_pj_per_bit": self.off_chip_pj_per_bit.to_dict(),
            "on_chip_pj_per_bit": [
                {"bytes": size, **energy.to_dict()} for size, energy in self.on_chip_pj_per_bit
            ],
            "mac_pj": {str(bits): energy.to_dict() for bits, energy in self.mac_pj.items()},
            "storage_pj_per_bit": None if storage is None else storage.to_dict(),
        }


def energy_names() -> tuple[str, ...]:
    """Names of the energy tables that come with meadow_py, in alphabetical order.

    Returns
    -------
    tuple of str
    """
    return tuple(sorted(_bundled()))


def energy_table(name_or_path: str | os.PathLike[str] | EnergyTable) -> EnergyTable:
    """Find an energy table by name, or read it from a file.

    Parameters
    ----------
    name_or_path : str, path or EnergyTable
        One of `energy_names`, or the path of a TOML file; ``file.toml#name`` selects one of several
        tables in a file. An `EnergyTable` is returned as it is.

    Returns
    -------
    EnergyTable

    Raises
    ------
    ValueError
        For an unknown name.
    OSError
        If the file cannot be read.
    meadow_py.FormatError
        If the file holds no valid energy table; the message gives the key, the value and the
        reason.
    """
    if isinstance(name_or_path, EnergyTable):
        return name_or_path
    wanted = os.fspath(name_or_path)
    if wanted.lower() in _bundled():
        return _bundled()[wanted.lower()]
    file, _, name = wanted.partition("#")
    if not (file.endswith(".toml") or Path(file).is_file()):
        known = ", ".join(energy_names())
        raise ValueError(
            f"energy={wanted!r}: no such energy table and no such file. Known are {known}; a file "
            "of your own ends in .toml"
        )
    found = read_energy_tables(file)
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name not in found:
        raise ValueError(f"{file}: energy table {name!r}: expected one of {', '.join(found)}")
    return found[name]


def read_energy_tables(path: str | os.PathLike[str]) -> dict[str, EnergyTable]:
    """All energy tables in a file, by name; raises the errors of `energy_table`."""
    raw, top = start(path, read_toml(path), "energy")
    return {name: _table(top, raw, name) for name in top.all_keys()}


@cache
def _bundled() -> dict[str, EnergyTable]:
    found: dict[str, EnergyTable] = {}
    for path in sorted(_TABLES.glob("*.toml")):
        found |= read_energy_tables(path)
    return found


def _table(top: Table, raw: dict[str, Any], name: str) -> EnergyTable:
    table = top.within(name, inherited(top, raw, name))
    macs = table.table("mac")
    storage = table.optional("storage", "joules/bit")
    made = EnergyTable(
        name=name,
        title=table.text("title"),
        off_chip_pj_per_bit=table.quantity("off_chip", "joules/bit").times(_PICO),
        on_chip_pj_per_bit=_on_chip(table),
        mac_pj={bits: macs.quantity(f"bits{bits}", "joules").times(_PICO) for bits in _MAC_BITS},
        storage_pj_per_bit=None if storage is None else storage.times(_PICO),
    )
    macs.done()
    table.done()
    return made


def _on_chip(table: Table) -> tuple[tuple[int, Quantity], ...]:
    found = []
    for row in table.tables("on_chip"):
        size = row.size("size")
        found.append((size, row.quantity("energy", "joules/bit").times(_PICO)))
        row.done()
    if not found:
        table.missing("on_chip")
    sizes = [size for size, _ in found]
    if sizes != sorted(set(sizes)):
        table.refuse("on_chip", sizes, "expected sizes from small to large, each once")
    return tuple(found)
