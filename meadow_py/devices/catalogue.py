"""Look-up of devices: those that come with meadow_py, and those in files."""

from __future__ import annotations

import os
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from meadow_py.devices.device import Device
from meadow_py.devices.reader import read_device, read_devices

_TABLES = Path(__file__).parent / "tables"


@cache
def bundled() -> dict[str, Device]:
    """All devices that come with meadow_py, by name.

    Returns
    -------
    dict of str to Device
    """
    found: dict[str, Device] = {}
    for path in sorted(_TABLES.glob("*.toml")):
        for name, device in read_devices(Device, path).items():
            if name in found:
                raise ValueError(f"{path}: device {name!r} is also in another file")
            found[name] = device
    return found


def names() -> tuple[str, ...]:
    """Names of the devices that come with meadow_py, in alphabetical order.

    Returns
    -------
    tuple of str
    """
    return tuple(sorted(bundled()))


def get(name_or_path: str | os.PathLike[str] | Device) -> Device:
    """Find a device by name, or read it from a file.

    Parameters
    ----------
    name_or_path : str, path or Device
        One of `names`, or the path of a TOML file; ``file.toml#name`` selects one of several
        devices in a file. A `Device` is returned as it is.

    Returns
    -------
    Device

    Raises
    ------
    ValueError
        For an unknown name.
    OSError
        If the file cannot be read.
    meadow_py.FormatError
        If the file is not a valid device file; the message gives the key, the value and the
        reason.
    """
    if isinstance(name_or_path, Device):
        return name_or_path
    wanted = os.fspath(name_or_path)  # raises TypeError for anything but a name or a path
    if wanted.lower() in bundled():
        return bundled()[wanted.lower()]
    file, _, name = wanted.partition("#")
    if file.endswith(".toml") or Path(file).is_file():
        return read_device(Device, file, name or None)
    near = get_close_matches(wanted.lower(), names(), 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(
        f"device {wanted!r}: no such device and no such file: {hint}"
        f"Known are {', '.join(names())}; a file of your own ends in .toml"
    )
