"""Lossless coders of tensors under one interface: this project's, and the peers that install.

    pip install zipnn lmzip blosc2 zstandard

A coder is told one tensor at a time and gives it back into memory that is already there. Peers that
only return new memory are copied from nothing: the process runs with an allocator that keeps freed
memory (see `storage.py`), so they pay no page faults either.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from meadow_py import blobs

Bytes = npt.NDArray[np.uint8]


class Tensor(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    raw: Bytes


@dataclass(frozen=True)
class Coder:
    """`encode` gives what `decode` takes; `size` is what counts of it."""

    name: str
    accepts: Callable[[list[Tensor]], bool]
    encode: Callable[[list[Tensor], int], Any]
    decode: Callable[[Any, list[Bytes], int], None]
    size: Callable[[Any], int]
    slow: bool = False  # encodes a few megabytes a second: small sets only, once


def coders() -> list[Coder]:
    """All that can be imported, ours first."""
    found = [_ours("auto"), _ours("fast"), _ours("small")]
    makers: list[tuple[str, Callable[[], list[Coder]]]] = [
        ("zipnn", lambda: [_zipnn()]),
        ("lmz", lambda: [_lmz()]),
        ("zstandard", lambda: [_zstd(3), _zstd(19)]),
        ("blosc2", lambda: [_blosc2()]),
    ]
    for package, make in makers:
        try:
            importlib.import_module(package)
        except ImportError:
            continue
        found += make()
    return found


def _sum(encoded: list[Any]) -> int:
    return sum(len(item) for item in encoded)


def _ours(codec: str) -> Coder:
    def encode(tensors: list[Tensor], threads: int) -> list[Bytes]:
        return [
            blobs.encode(t.raw, t.dtype, t.shape, codec=codec, threads=threads) for t in tensors
        ]

    def decode(encoded: list[Bytes], outs: list[Bytes], threads: int) -> None:
        for blob, out in zip(encoded, outs, strict=True):
            blobs.decode(blob, out=out, threads=threads)

    return Coder(f"meadow {codec}", lambda _: True, encode, decode, _sum)


def _side_by_side(function: Callable[[Any], Any], items: list[Any], threads: int) -> list[Any]:
    """For coders of one thread: as many tensors at a time."""
    if threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def _keep(out: Bytes, made: Any) -> None:
    """The result is where the coder put it; one byte is read so that nobody can be lazy."""
    data = np.frombuffer(made, np.uint8)
    assert data.size == out.size
    out[:1] = data[:1]


def _zipnn() -> Coder:
    from zipnn import ZipNN

    names = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}

    def made(dtype: str, threads: int) -> Any:
        return ZipNN(bytearray_dtype=names[dtype], input_format="byte", threads=threads)

    def encode(tensors: list[Tensor], threads: int) -> list[tuple[str, bytes]]:
        tools = {t.dtype: made(t.dtype, threads) for t in tensors}
        # It takes the sign bit out of its place in the memory that it is given.
        return [(t.dtype, tools[t.dtype].compress(bytearray(t.raw))) for t in tensors]

    def decode(encoded: list[tuple[str, bytes]], outs: list[Bytes], threads: int) -> None:
        tools = {dtype: made(dtype, threads) for dtype, _ in encoded}
        for (dtype, data), out in zip(encoded, outs, strict=True):
            _keep(out, tools[dtype].decompress(data))

    return Coder(
        "ZipNN",
        lambda tensors: all(t.dtype in names for t in tensors),
        encode,
        decode,
        lambda encoded: sum(len(data) for _, data in encoded),
    )


def _zstd(level: int) -> Coder:
    import zstandard

    def encode(tensors: list[Tensor], threads: int) -> list[bytes]:
        return _side_by_side(
            lambda t: zstandard.ZstdCompressor(level).compress(t.raw.data), tensors, threads
        )

    def decode(encoded: list[bytes], outs: list[Bytes], threads: int) -> None:
        made = _side_by_side(
            lambda data: zstandard.ZstdDecompressor().decompress(data), encoded, threads
        )
        for out, data in zip(outs, made, strict=True):
            _keep(out, data)

    return Coder(f"zstd -{level}", lambda _: True, encode, decode, _sum, slow=level > 9)


def _blosc2() -> Coder:
    import blosc2

    widths = {"BF16": 2, "F16": 2, "F32": 4}
    settings = {"codec": blosc2.Codec.ZSTD, "clevel": 5, "filters": [blosc2.Filter.BITSHUFFLE]}

    def encode(tensors: list[Tensor], threads: int) -> list[bytes]:
        return [
            blosc2.compress2(
                t.raw,
                typesize=widths.get(t.dtype, 1),
                nthreads=threads,
                filters_meta=[0],
                **settings,
            )
            for t in tensors
        ]

    def decode(encoded: list[bytes], outs: list[Bytes], threads: int) -> None:
        for data, out in zip(encoded, outs, strict=True):
            blosc2.decompress2(data, dst=out, nthreads=threads)

    return Coder("blosc2 bitshuffle+zstd", lambda _: True, encode, decode, _sum)


def _lmz() -> Coder:
    """Files in memory: it has no other interface for whole models. Writing them is in its times."""
    from lmz import api

    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    source, packed, again = folder / "model", folder / "m.lmz", folder / "again"

    def encode(tensors: list[Tensor], threads: int) -> int:
        if not source.exists():
            write = _write_gguf if tensors[0].dtype == "Q8_0" else _write_safetensors
            write(source, tensors)
        packed.unlink(missing_ok=True)
        api.compress(str(source), str(packed), workers=threads)
        return packed.stat().st_size

    def decode(_encoded: int, outs: list[Bytes], threads: int) -> None:
        again.unlink(missing_ok=True)
        api.decompress(str(packed), str(again), workers=threads)
        data = np.memmap(again, np.uint8, "r")
        at = data.size - sum(out.size for out in outs)
        for out in outs:
            _keep(out, data[at : at + out.size])
            at += out.size

    coder = Coder("lmz (files)", _float_or_codes, encode, decode, lambda size: size)
    _FOLDERS.append(folder)
    return coder


_FOLDERS: list[Path] = []


def clean_up() -> None:
    """Forget the files of coders that need some."""
    for folder in _FOLDERS:
        for path in folder.iterdir():
            path.unlink()


def remove() -> None:
    for folder in _FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)


def _float_or_codes(tensors: list[Tensor]) -> bool:
    return all(t.dtype in ("BF16", "F16", "F32", "I8", "Q8_0") for t in tensors)


def _write_gguf(path: Path, tensors: list[Tensor]) -> None:
    """Its tensors are whole multiples of the alignment, so they end the file without padding."""
    import gguf

    writer = gguf.GGUFWriter(path, "gptneo")
    for t in tensors:
        blocks = t.raw.reshape(t.shape[0], -1)
        writer.add_tensor(t.name, blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_safetensors(path: Path, tensors: list[Tensor]) -> None:
    import json
    import struct

    header, at = {}, 0
    for t in tensors:
        offsets = [at, at + t.raw.size]
        header[t.name] = {"dtype": t.dtype, "shape": list(t.shape), "data_offsets": offsets}
        at += t.raw.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for t in tensors:
            file.write(t.raw.data)
