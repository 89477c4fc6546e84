"""No TOML, however odd, does anything but give a device or a FormatError."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from meadow_py import FormatError, devices
from meadow_py.devices.device import Device
from meadow_py.devices.energy_table import read_energy_tables
from meadow_py.devices.reader import read_devices

TABLES = Path(devices.__file__).parent
LINES = {
    path.name: path.read_text("utf-8").splitlines() for path in (TABLES / "tables").glob("*.toml")
}
VALUES = st.one_of(
    st.sampled_from(
        ["-1", "0", "nan", "inf", "1e400", "true", "[]", "{}", '""', '"12"', '"8 GB/s"', '"1 W"']
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\')).map(
        '"{}"'.format
    ),
    st.datetimes().map(lambda moment: moment.isoformat()),
)


def attempt(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.toml"
        path.write_bytes(raw)
        for read in (functools.partial(read_devices, Device), read_energy_tables):
            try:
                found = read(path)
            except FormatError as error:
                said = str(error)
            else:
                said = "hostile.toml" if all(one.to_dict() for one in found.values()) else ""
            assert "hostile.toml" in said


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(raw: bytes) -> None:
    attempt(raw)


@given(st.sampled_from(sorted(LINES)), st.data())
@settings(deadline=None, max_examples=150)
def test_real_files_with_a_line_changed(name: str, data: st.DataObject) -> None:
    lines = list(LINES[name])
    at = data.draw(st.integers(0, len(lines) - 1))
    key, equals, _ = lines[at].partition("=")
    change = data.draw(st.sampled_from(["drop", "twice", "value", "quantity"]))
    if change == "drop":
        del lines[at]
    elif change == "twice":
        lines.insert(at, lines[at])
    elif equals:
        value = data.draw(VALUES)
        inner = f'{{ value = {value}, kind = "assumed", reason = "x" }}'
        lines[at] = f"{key}= {value if change == 'value' else inner}"
    attempt("\n".join(lines).encode())


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())


def nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)


@given(st.recursive(SCALARS, nested, max_leaves=8))
@settings(deadline=None)
def test_any_values_where_tables_are_expected(value: object) -> None:
    from meadow_py.devices.energy_table import _table as energy
    from meadow_py.devices.reader import _device as device
    from meadow_py.devices.toml import Table

    for make in (functools.partial(device, Device), energy):
        raw = {"x": value}
        top = Table("hostile.toml", "device", raw, {})
        try:
            make(top, raw, "x")
            said = "a table of any values is no device"
        except FormatError as error:
            said = str(error)
        assert "hostile.toml" in said
