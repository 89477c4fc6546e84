"""Results of public functions in Python: as dicts, as tables, as text and as HTML."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recording.forking import places_of
from recording.inputs import whole_numbers
from recording.masks import masked
from recording.store import Recorder

Make = Callable[[], Any]
_LONGEST = 20_000  # characters of a dict that is recorded as text


def record(recorder: Recorder, folder: Path) -> None:
    """Record what public functions return."""
    places = places_of(folder)
    _namespace(recorder)
    _profiles(recorder, folder, places)
    _simulations(recorder)
    _workloads(recorder)
    _plans(recorder)
    _devices(recorder, folder)
    _bench(recorder, folder)
    _sources(recorder, folder, places)
    _packed_results(recorder, folder, places)


def _json(made: Any) -> str:
    """A dict as JSON, as it is spelled in results."""
    return json.dumps(made, default=repr) + "\n"


def _namespace(recorder: Recorder) -> None:
    """Record the public names, and parameters and defaults of those that are called."""
    rooms = (
        "meadow_py", "meadow_py.blobs", "meadow_py.checkpoint", "meadow_py.devices",
        "meadow_py.planner", "meadow_py.profiler", "meadow_py.run", "meadow_py.sweep",
        "meadow_py.simulator", "meadow_py.simulator.huffman_hardware", "meadow_py.sources",
        "meadow_py.workload", "meadow_py.measure",
    )  # fmt: skip
    for room in rooms:

        def signatures(room: str = room) -> str:
            module = importlib.import_module(room)
            lines = []
            for name in sorted(module.__all__):
                found = getattr(module, name)
                lines.append(f"{name}{_parameters(found)}\n")
            return "".join(lines)

        recorder.attempt(f"names/{room}", signatures)


def _parameters(found: Any) -> str:
    """The signature without types, or nothing for what has none."""
    try:
        made = inspect.signature(found)
    except (TypeError, ValueError):
        return ""
    plain = [one.replace(annotation=one.empty) for one in made.parameters.values()]
    return str(made.replace(parameters=plain, return_annotation=made.empty))


def _views(recorder: Recorder, key: str, make: Make, mask: Callable[[str], str] = str) -> None:
    """Record a result's dict, its text, its HTML without drawings, and its rows.

    A long dict is recorded as its hash: the command line's JSON has the same as text.
    """
    recorder.attempt(f"{key}/dict", lambda: _short(mask(_json(make().to_dict()))))
    recorder.attempt(f"{key}/repr", lambda: mask(f"{make()!r}\n"))
    if hasattr(make(), "_repr_html_"):
        recorder.attempt(
            f"{key}/html", lambda: mask(masked(make()._repr_html_(), ("drawings",), {}))
        )
    if not hasattr(make(), "to_dataframe"):
        return
    if importlib.util.find_spec("pandas") is None:
        recorder.skip(f"{key}/rows", "pandas is missing")
        return
    recorder.attempt(f"{key}/rows", lambda: mask(_rows(make())))


def _short(text: str) -> str | bytes:
    return text if len(text) <= _LONGEST else text.encode()


def _rows(result: Any) -> str:
    frame = result.to_dataframe()
    types = " ".join(f"{name}:{kind}" for name, kind in frame.dtypes.items())
    sample = frame if len(frame) <= 40 else frame.iloc[:: len(frame) // 20]
    return f"{len(frame)} rows\n{types}\n{sample.to_csv(index=True, lineterminator=chr(10))}"


def _profiles(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    import meadow_py as mp

    def mask(text: str) -> str:
        return masked(text, ("host",), places)

    options: dict[str, Any] = {"roles": "head", "bits": (8, 3), "progress": False}
    profile = mp.profile(folder / "tiny", chunk_sizes=(1, 4), **options)
    _views(recorder, "result/profile", lambda: profile, mask)
    sweep = mp.sweep(folder / "tiny-f16", chunk_sizes=2, bits=4, roles="mlp.gate", progress=False)
    _views(recorder, "result/sweep", lambda: sweep, mask)
    recorder.attempt("result/sweep/spots", lambda: "".join(f"{one}\n" for one in sweep.sweet_spots))
    path = folder / "again.json"

    def round_trip() -> str:
        profile.save(path)
        same = mp.Profile.load(path).to_dict() == profile.to_dict()
        sweep.save(path)
        return f"{same} {mp.Sensitivity.load(path).to_dict() == sweep.to_dict()}\n"

    recorder.attempt("result/round-trip", round_trip)
    arrays = mp.open_checkpoint(folder / "tiny")
    values = {name: tensor.array() for name, tensor in list(arrays.tensors.items())[:4]}
    recorder.attempt(
        "result/arrays",
        lambda: mask(f"{mp.profile(values, chunk_sizes=2, granularity='row', progress=False)!r}\n"),
    )


def _simulations(recorder: Recorder) -> None:
    import meadow_py as mp
    from meadow_py import devices, simulator, workload

    models, kinds = ("opt-125m", "opt-1.3b"), ("gemm", "tphs", "best")
    for device in devices.names():
        recorder.attempt(
            f"simulate/opt-125m/{device}",
            lambda d=device: f"{mp.simulate('opt-125m', device=d)!r}\n",
        )
    for model in workload.names():
        for kind in kinds:
            recorder.attempt(
                f"simulate/{model}/{kind}",
                lambda m=model, k=kind: _times(mp.simulate(m, device="zcu102", dataflow=k)),
            )
    chosen: dict[str, Any] = {"device": "zcu102", "bandwidth": "6Gb/s", "packing": "1.4x"}
    _views(recorder, "result/simulation", lambda: mp.simulate("opt-125m", **chosen, prompt=64))
    encoder = next((name for name in workload.names() if "deit" in name), "opt-350m")
    _views(recorder, "result/encoder", lambda: mp.simulate(encoder, device="kv260"))
    table: dict[str, Any] = {"devices": ["zcu102", "raspberry-pi-5"], "packings": ["none", "1.5x"]}
    _views(recorder, "result/packing-table", lambda: simulator.packing_table("opt-125m", **table))
    curve: dict[str, Any] = {"device": "zcu102", "bandwidth": "12Gb/s", "prompt": 128}
    _views(recorder, "result/buffer-curve", lambda: simulator.buffer_curve("opt-125m", **curve))
    flips: dict[str, Any] = {"prompt": 512, "elements": (14, 48, 96)}
    _views(recorder, "result/dataflow-map", lambda: simulator.dataflow_map("opt-125m", **flips))
    swept: dict[str, Any] = {"devices": ["zcu102", "orin-nano"], "tokens": [1, 16, 256]}
    recorder.attempt("result/sweep-table", lambda: _rows(simulator.sweep(list(models), **swept)))
    _huffman_hardware(recorder)


def _huffman_hardware(recorder: Recorder) -> None:
    from meadow_py.simulator import huffman_hardware as hardware

    recorder.attempt("hardware/claims", lambda: "".join(f"{one}\n" for one in hardware.CLAIMS))
    recorder.attempt("hardware/groups", lambda: f"{hardware.GROUPS}\n{hardware.MULTIPLIERS}\n")
    counts = whole_numbers("frequencies", 0, 5000, 256).astype("<u8")
    for longest in (9, 12, 16):
        recorder.attempt(
            f"hardware/lengths/{longest}",
            lambda n=longest: f"{list(map(int, hardware.limited_lengths(counts, n)))}\n",
        )


def _times(made: Any) -> str:
    energy = made.energy_per_token
    total = None if energy is None else energy.total
    return f"{made.prefill_s!r} {made.decode_s_per_token!r} {total}\n"


def _workloads(recorder: Recorder) -> None:
    from meadow_py import workload

    for name in workload.names():
        for tokens, context in ((128, 0), (1, 200)):

            def rows(arguments: Any = (name, tokens, context)) -> str:
                model, tokens, context = arguments
                made = workload.of(model, tokens=tokens, context=context)
                counted = {key: made.total(key) for key in ("macs", "weights", "other_operations")}
                first = [row for row in made.to_rows() if row["layer"] == made.layers[0].name]
                return _json({"bytes": made.weight_bytes, "totals": counted, "first": first})

            recorder.attempt(f"workload/{name}/{tokens}-{context}", rows)


def _plans(recorder: Recorder) -> None:
    import meadow_py as mp
    from meadow_py import devices

    for device in devices.names():
        recorder.attempt(
            f"plan/opt-1.3b/{device}", lambda d=device: f"{mp.plan('opt-1.3b', d)!r}\n"
        )
    _views(recorder, "result/plan", lambda: mp.plan("opt-125m", "stm32h750", context=128, batch=2))


def _devices(recorder: Recorder, folder: Path) -> None:
    from meadow_py import devices

    recorder.attempt("devices/names", lambda: "\n".join(devices.names()) + "\n")
    for name in ("zcu102", "raspberry-pi-5"):
        recorder.attempt(f"devices/{name}/toml", lambda n=name: devices.get(n).to_toml())
    for name in devices.names():
        recorder.attempt(
            f"devices/{name}/round-trip",
            lambda n=name: _same_device(devices.get(n), folder / "device.toml"),
        )
    for name in devices.energy_names():
        recorder.attempt(f"devices/energy/{name}", lambda n=name: f"{devices.energy_table(n)}\n")
    for spelled in ("12Gb/s", "1.5GB/s", "1 GiB/s", "800 Mbit/s"):
        recorder.attempt(
            f"devices/bandwidth/{spelled}", lambda s=spelled: repr(devices.parse_bandwidth(s))
        )


def _same_device(device: Any, path: Path) -> str:
    path.write_text(device.to_toml(), encoding="utf-8")
    again = type(device).from_toml(path)
    return f"{again == device} {json.dumps(again.to_dict()) == json.dumps(device.to_dict())}\n"


def _bench(recorder: Recorder, folder: Path) -> None:
    """Record the views of a bench whose every measured number is replaced."""
    import meadow_py as mp

    small: dict[str, Any] = {"prompt_tokens": 4, "tokens": 2, "runs": 1, "memory": False}
    made = mp.bench(folder / "tiny", dtype="BF16", threads=1, progress=False, **small)

    def fixed(form: Any, rate: float) -> Any:
        return replace(
            form, decode_tokens_per_second=rate, decode_tokens_per_second_min=0.95 * rate,
            decode_tokens_per_second_max=1.02 * rate, prefill_tokens_per_second=10 * rate,
            product_seconds=0.9 / rate, bandwidth_fraction=0.5, peak_anonymous_bytes=12345678,
        )  # fmt: skip

    host = replace(
        made.host, cpu="A CPU", machine="x86_64", family=1, model=2, stepping=3, isa="avx2",
        isas=("scalar", "avx2"), cores=2, caches=made.host.caches[:0], memory_bytes=1 << 34,
        system="Linux",
    )  # fmt: skip
    bandwidth = replace(
        made.bandwidth, bytes_per_second=1e10, bytes_per_second_min=9e9,
        bytes_per_second_max=1.1e10, pages="small", has_huge_pages=None, isa="avx2", threads=1,
        nbytes=1 << 28,
    )  # fmt: skip
    for packed in (80.0, 99.0, 101.0, 150.0):
        bench = replace(
            made, model="tiny", host=host, bandwidth=bandwidth, dense=fixed(made.dense, 100.0),
            packed=fixed(made.packed, packed),
        )  # fmt: skip
        _views(recorder, f"result/bench/{packed:.0f}", lambda b=bench: b)
        recorder.attempt(f"result/bench/{packed:.0f}/verdict", lambda b=bench: b.verdict + "\n")


def _sources(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    """Record what opening a source of every kind finds."""
    import meadow_py as mp

    names = ("demo", "tiny", "sharded", "mixed.safetensors", "tiny-F16.gguf", "tiny-Q8_0.gguf")
    for name in (*names, "gemma-3", "phi3-long", "gpt2"):

        def listed(name: str = name) -> str:
            with mp.open_checkpoint(folder / name) as checkpoint:
                lines = [masked(f"{checkpoint!r}\n{checkpoint.format}\n", (), places)]
                lines += [
                    f"{one.name} {one.dtype} {tuple(one.shape)} {one.nbytes}\n"
                    for one in checkpoint.tensors.values()
                ]
                lines += [f"{w.name} {w.role} {w.layer} {w.shape}\n" for w in checkpoint.weights]
            return "".join(lines)

        recorder.attempt(f"source/{name}", listed)


def _packed_results(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    import meadow_py as mp

    def said(made: Any) -> str:
        return masked(f"{made!r}\n", ("elapsed",), places)

    target = folder / "result-packed"
    recorder.attempt(
        "result/packed",
        lambda: _without_times(said(mp.pack(folder / "tiny", target, progress=False))),
    )
    recorder.attempt(
        "result/verified", lambda: _without_times(said(mp.verify(target, progress=False)))
    )
    recorder.attempt(
        "result/unpacked",
        lambda: _without_times(said(mp.unpack(target, folder / "result-unpacked", progress=False))),
    )
    _views(
        recorder, "result/inspection", lambda: mp.inspect(target), lambda t: masked(t, (), places)
    )


def _without_times(text: str) -> str:
    """Mask the seconds of a result's repr."""
    import re

    return re.sub(r"seconds=[0-9.e+-]+", "seconds=<number>", text)
