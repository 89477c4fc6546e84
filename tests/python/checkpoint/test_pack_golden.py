"""Packed files of every version so far still decode to what they were made of.

``python test_pack_golden.py`` writes the file of the present version, once, when it is new.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import meadow_py as mp
from meadow_py.checkpoint.format.layout import VERSION

DATA = Path(__file__).with_name("data")


def original() -> bytes:
    """A safetensors file without any random number: values that a linear congruence gives."""
    tensors: dict[str, tuple[str, list[int], bytes]] = {
        "model.decoder.layers.0.fc1.weight": ("BF16", [96, 40], _floats(96 * 40, 2)),
        "model.decoder.layers.0.fc2.weight": ("F32", [40, 24], _floats(40 * 24, 4)),
        "half": ("F16", [33], _floats(33, 2)),
        "codes": ("I8", [50, 50], bytes(n * n // 7 % 16 for n in range(2500))),
        "__meadow__.rest": ("U8", [3], b"abc"),
        "none": ("F32", [0, 4], b""),
        "scalar": ("F64", [], bytes(range(8))),
    }
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _floats(count: int, size: int) -> bytes:
    """Little-endian values whose upper bytes vary less than their lower ones, as weights' do."""
    state, made = 1, bytearray()
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        low = (state >> 8).to_bytes(4, "little")[: size - 1]
        made += low + bytes([(state >> 28) % 2 * 128 + 60 + (state >> 25) % 4])
    return bytes(made)


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_of_every_version(version: int, tmp_path: Path) -> None:
    packed = DATA / f"version-{version}.meadow.safetensors"
    mp.verify(packed)
    mp.unpack(packed, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == original()


if __name__ == "__main__":
    import tempfile

    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "model.safetensors")
        source.write_bytes(original())
        mp.pack(source, DATA / f"version-{VERSION}.meadow.safetensors")
