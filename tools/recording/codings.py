"""The bytes of coded streams, blobs, quantised weights and packed files."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recording.inputs import bf16, noise, stored, whole_numbers
from recording.store import Recorder, failure, needs

CODECS = ("auto", "fast", "small", "huffman", "raw", "planes")


def record(recorder: Recorder, folder: Path) -> None:
    """Record the bytes of everything that is coded."""
    _streams(recorder)
    _blobs(recorder)
    _quantised(recorder)
    _ledgers(recorder)
    for name in ("demo", "tiny", "tiny-f16", "sharded"):
        for codec in CODECS:
            _packed(recorder, folder, name, codec)
    for name in ("mixed.safetensors", "tiny-F16.gguf", "tiny-BF16.gguf", "tiny-Q8_0.gguf"):
        for codec in CODECS:
            _packed(recorder, folder, name, codec)
    _pytorch(recorder, folder)
    _transformers(recorder, folder)


def _codes(bits: int, rows: int, columns: int) -> Any:
    spread = noise(f"codes {bits}", rows, columns) * np.float32(2 ** (bits - 3))
    limit = 2 ** (bits - 1) - 1
    return np.clip(np.rint(spread), -limit, limit).astype(np.int8)


def _streams(recorder: Recorder) -> None:
    from meadow_py import codecs

    for bits, codec, chunk, along in itertools.product(
        (2, 4, 8), ("naive", "packets", "reindexed"), (1, 2, 3, 8, 16), ("in", "out")
    ):
        codes = _codes(bits, 37, 50)

        def pack(arguments: Any = (codes, codec, bits, chunk, along)) -> bytes:
            codes, codec, bits, chunk, along = arguments
            stream = codecs.pack(codes, codec, bits=bits, chunk=chunk, along=along)
            if not np.array_equal(codecs.decode(stream), codes):
                raise AssertionError("the codes that came back differ")
            return stream

        recorder.attempt(f"stream/{codec}/{bits}/{chunk}/{along}", pack)
    chosen = codecs.pack_packets(_codes(8, 64, 64), packet_length=8, widths=(4, 8, 12))
    recorder.data("stream/chosen", chosen)
    recorder.attempt("stream/info", lambda: f"{codecs.stream_info(chosen)}\n")
    wide = whole_numbers("wide", 0, 60000, 33, 20).astype(np.uint16)
    recorder.attempt("stream/uint16", lambda: codecs.pack(wide, bits=16, chunk=2))


def _blob_inputs() -> Iterator[tuple[str, bytes, str, tuple[int, ...]]]:
    for rows, columns in ((1, 1), (40, 96), (300, 257)):
        values = noise(f"blob {rows}", rows, columns)
        for dtype in ("F32", "F16", "BF16"):
            yield f"{dtype}/{rows}x{columns}", stored(values, dtype), dtype, (rows, columns)
        cut = (bf16(values).astype("<u4") << 16).astype("<u4").tobytes()
        yield f"F32-of-BF16/{rows}x{columns}", cut, "F32", (rows, columns)
    for dtype, size in (("I8", 1), ("U8", 1), ("I16", 2), ("I32", 4), ("I64", 8), ("F8_E4M3", 1)):
        raw = whole_numbers(dtype, 0, 60, 900).astype(f"<u{size}").tobytes()
        yield f"{dtype}/900", raw, dtype, (900,)
    yield "F16/constant", stored(np.full(3000, 0.5, np.float32), "F16"), "F16", (3000,)
    yield "BF16/empty", b"", "BF16", (0, 4)


def _blobs(recorder: Recorder) -> None:
    from meadow_py import blobs

    for name, raw, dtype, shape in _blob_inputs():
        for codec in CODECS:

            def encode(arguments: Any = (raw, dtype, shape, codec)) -> bytes:
                raw, dtype, shape, codec = arguments
                blob = blobs.encode(np.frombuffer(raw, np.uint8), dtype, shape, codec=codec)
                if bytes(blobs.decode(blob)) != raw:
                    raise AssertionError("the bytes that came back differ")
                return bytes(blob)

            recorder.attempt(f"blob/{name}/{codec}", encode)
    sample = blobs.encode(
        np.frombuffer(stored(noise("i", 64, 64), "BF16"), np.uint8), "BF16", (64, 64)
    )
    recorder.attempt("blob/info", lambda: f"{blobs.info(sample)}\n")
    recorder.attempt("blob/range", lambda: bytes(blobs.decode_range(sample, 100, 2000)))


def _quantised(recorder: Recorder) -> None:
    from meadow_py.quantize import quantize
    from meadow_py.quantize_q8 import quantize_q8

    weight = noise("quantised", 24, 70)
    kinds = ("tensor", "row", "group:32", "group:7")
    for bits, symmetric, kind in itertools.product((2, 3, 4, 8), (True, False), kinds):
        key = f"quantize/{bits}/{'symmetric' if symmetric else 'asymmetric'}/{kind}"

        def codes(arguments: Any = (bits, symmetric, kind)) -> Any:
            made = quantize(weight, *arguments)
            return np.concatenate(
                [made.codes.reshape(-1).astype("<f8"), made.scales.reshape(-1).astype("<f8"),
                 made.dequantize().reshape(-1).astype("<f8"), np.array([made.snr_db], "<f8")]
            )  # fmt: skip

        recorder.attempt(key, codes)

    def q8() -> Any:
        made = quantize_q8(weight)
        parts = (made.codes, made.row_scales, made.coded_scales, made.dequantize())
        return np.concatenate([part.reshape(-1).astype("<f8") for part in parts])

    recorder.attempt("quantize/q8", q8)


def _ledgers(recorder: Recorder) -> None:
    from meadow_py import codecs, ledger

    codes = _codes(4, 64, 96)
    info = codecs.stream_info(codecs.pack(codes, bits=4))
    recorder.attempt("ledger/stream", lambda: f"{ledger.stream_ledger(info, 32)}\n")
    counts = ledger.symbol_counts(codes, 4)
    recorder.attempt("ledger/huffman", lambda: f"{ledger.plain_huffman_ledger(counts)}\n")
    recorder.attempt("ledger/floor", lambda: f"{ledger.symbol_floor(counts)!r}\n")


def _packed(recorder: Recorder, folder: Path, name: str, codec: str) -> None:
    """Pack a source, and record the bytes of every file that this makes."""
    import meadow_py as mp

    target = folder / f"made-{name}-{codec}"
    try:
        mp.pack(folder / name, target, codec=codec, progress=False)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what is recorded
        said = failure(error).replace(str(folder), "<work>")
        recorder.text(f"packed/{name}/{codec}", said)
        return
    for path in sorted(target.rglob("*")):
        if path.is_file():
            key = f"packed/{name}/{codec}/{path.relative_to(target)}"
            is_text = path.name in ("MEADOW.md", "meadow.json", "config.json")
            if is_text and codec in ("auto", "planes"):
                recorder.text(key, path.read_text(encoding="utf-8"))
            else:
                recorder.data(key, path.read_bytes())
    shutil.rmtree(target)


def _pytorch(recorder: Recorder, folder: Path) -> None:
    if importlib.util.find_spec("torch") is None:
        recorder.skip("packed/pytorch/*", "torch is missing")
        return
    import torch

    import meadow_py as mp

    source = folder / "model.bin"
    values = {
        "a.weight": torch.from_numpy(noise("a", 24, 40)),
        "b.weight": torch.from_numpy(noise("b", 30, 16)).to(torch.bfloat16),
        "b.bias": torch.from_numpy(noise("c", 30)).to(torch.float16),
    }
    torch.save(values, source)
    for codec in ("auto", "planes"):
        target = folder / f"bin-{codec}"
        mp.pack(source, target, codec=codec, progress=False)
        made = next(target.glob("*.safetensors"))
        recorder.data(f"packed/pytorch/{codec}", made.read_bytes(), needs("torch"))


def _transformers(recorder: Recorder, folder: Path) -> None:
    missing = [n for n in ("torch", "transformers") if importlib.util.find_spec(n) is None]
    if missing:
        recorder.skip("transformers/*", f"{' and '.join(missing)} missing")
        return
    import transformers

    import meadow_py as mp
    import meadow_py.torch as _loads_packed_models  # noqa: F401 - importing it registers them

    logging: Any = transformers.logging  # its functions have no types
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    mp.pack(folder / "llama", folder / "for-transformers", progress=False)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "for-transformers")
    lines = []
    for name, tensor in sorted(model.state_dict().items()):
        values = tensor.float().numpy()
        lines.append(f"{name} {tensor.dtype} {tuple(tensor.shape)} {values.sum():.6g}\n")
        recorder.array(f"transformers/{name}", values)
    recorder.text("transformers/state", "".join(lines))
