"""Exit codes and messages of bad inputs: options, files, arrays, damage, wrong JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recording.forking import places_of, preload, run
from recording.inputs import noise, stored, write_family
from recording.masks import masked
from recording.store import Recorder, failure, needs

# Lines that must fail before any model is read, or because of what is read; run in one folder.
_LINES = (
    "nonsense", "", "profile nowhere.safetensors", "profile ./nowhere", "profile empty",
    "profile no-weights", "profile text.safetensors", "profile cut.safetensors",
    "profile lying.safetensors", "profile nan.safetensors", "profile cut.gguf", "profile zero.gguf",
    "profile tiny --bits 1", "profile tiny --bits 9", "profile tiny --bits x",
    "profile tiny --granularity column", "profile tiny --granularity group:0",
    "profile tiny --granularity group:x", "profile tiny --chunk-size 0",
    "profile tiny --chunk-size 17", "profile tiny --along up", "profile tiny --role nose",
    "profile tiny --role embedding,mlp.side", "profile tiny --threads 0",
    "profile tiny -o nowhere/x", "profile tiny -o empty", "profile tiny --plot x.doc",
    "profile tiny --plot-kind pie --plot x.png", "profile tiny --resume text.safetensors",
    "profile some/model --offline",
    "profile tiny --revision main --nonsense", "sweep nowhere.bin", "sweep tiny --bits 0",
    "sweep tiny --plot-kind heat --plot x.png", "sweep text.json",
    "report text.json", "report list.json",
    "report nowhere.json", "report tiny -o empty", "report newer.json",
    "pack", "pack tiny", "pack nowhere out", "pack tiny empty/..", "pack tiny full",
    "pack tiny out --codec zip", "pack tiny out --threads -1", "pack cut.safetensors out",
    "pack text.safetensors out", "pack cut.gguf out", "pack no-weights out",
    "pack tiny nowhere/deep/out", "pack tiny tiny", "pack tiny tiny/inside",
    "verify nowhere", "verify tiny", "verify text.safetensors", "verify damaged",
    "verify half", "verify empty", "inspect nowhere", "inspect tiny", "inspect text.safetensors",
    "unpack nowhere out", "unpack tiny out", "unpack damaged out", "unpack packed full",
    "unpack packed packed", "unpack half out",
    "run nowhere", "run no-config", "run cut.safetensors", "run tiny --form small",
    "run tiny --activations F16", "run tiny -p history", "run --temperature -1", "run --top-p 2",
    "run --min-p -0.1", "run --repetition-penalty 0", "run --seed -1", "run --max-tokens -1",
    "run wrong-shape", "run wrong-family", "run missing-tensor", "run missing-key", "run bad-json",
    "run damaged", "run gpt-neo-wrong", "bench nowhere", "bench --runs 0",
    "bench --prompt-tokens 100000", "bench demo --dtype F16 --no-memory", "bench bad-json",
    "bench --activations I8", "simulate", "simulate -d abacus", "simulate nothing -d zcu102",
    "simulate -d zcu102 --bandwidth 12", "simulate -d zcu102 --bandwidth -1GB/s",
    "simulate -d zcu102 --packing 2", "simulate -d zcu102 --packing reindexed",
    "simulate -d zcu102 --precision int8", "simulate -d zcu102 --dataflow fast",
    "simulate -d zcu102 --assume overlap=2", "simulate -d zcu102 --assume speed=2",
    "simulate -d zcu102 --assume overlap", "simulate -d zcu102 --prompt 0",
    "simulate -d zcu102 --profile text.json", "simulate -d zcu102 --energy 5nm",
    "simulate -d wrong.toml", "simulate -d text.json", "simulate bad-json -d zcu102",
    "simulate wrong-family -d zcu102", "simulate -d raspberry-pi-5 --dataflow tphs",
    "simulate -d zcu102 --plot x.png --plot-kind pie", "plan", "plan -d abacus",
    "plan nowhere -d zcu102", "plan -d zcu102 --bandwidth 12", "plan -d zcu102 --precision w0a8",
    "plan -d zcu102 --batch 0", "plan -d zcu102 --usable-memory 2",
    "plan -d zcu102 --read-efficiency 0", "plan -d zcu102 --weight-bytes -5",
    "plan -d zcu102 --profile list.json", "plan -d wrong.toml", "devices show",
    "devices show zcu10", "devices show wrong.toml", "devices measure -o nowhere/x",
    "devices measure --folder nowhere",
    "devices nonsense", "config --nonsense", "config extra",
)  # fmt: skip


def record(recorder: Recorder, folder: Path) -> None:
    """Record how bad inputs are refused."""
    preload()
    places = places_of(folder)
    _in_child(lambda: _write_bad(folder))
    usage = needs("rich", "typer")
    for line in _LINES:
        done = run(line.split(), folder)
        shown = done.shown(("host",), places)
        requires = usage if "Usage: meadow" in done.out + done.err else []
        recorder.text(f"refused/meadow {line}", shown, requires)
    _calls(recorder, folder, places)
    _damaged(recorder, folder, places)
    _loaders(recorder, folder, places)


def _in_child(work: Callable[[], None]) -> None:
    """Do work of the core in a child, so that this process has no threads when it forks."""
    import os
    import traceback

    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the parent raises
            traceback.print_exc()
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("the inputs of refusals could not be made")


def _write_bad(folder: Path) -> None:
    """Write files and folders that are wrong in one way each."""
    import meadow_py as mp
    from meadow_py import devices

    for name in ("empty", "no-weights", "full", "no-config"):
        (folder / name).mkdir()
    (folder / "full" / "mine").write_text("kept")
    (folder / "no-weights" / "config.json").write_text("{}")
    good = (folder / "tiny" / "model.safetensors").read_bytes()
    (folder / "no-config" / "model.safetensors").write_bytes(good)
    (folder / "text.safetensors").write_text("This is no model, but a text of some length.\n")
    (folder / "text.json").write_text("This is no JSON.\n")
    (folder / "list.json").write_text("[1, 2]\n")
    (folder / "newer.json").write_text('{"version": 99, "weights": []}\n')
    (folder / "cut.safetensors").write_bytes(good[: len(good) // 2])
    (folder / "lying.safetensors").write_bytes(good.replace(b'"shape":[36]', b'"shape":[37]', 1))
    (folder / "nan.safetensors").write_bytes(good[:-4000] + b"\xff" * 4000)
    gguf = (folder / "tiny-F16.gguf").read_bytes()
    (folder / "cut.gguf").write_bytes(gguf[:600])
    (folder / "zero.gguf").write_bytes(bytes(64))
    toml = devices.get("raspberry-pi-5").to_toml()
    (folder / "wrong.toml").write_text(toml.replace('"17070000000 B/s"', '"17.07 Gb/s"'))
    _write_wrong_models(folder)
    mp.pack(folder / "tiny", folder / "packed", progress=False)
    for name, change in (("damaged", _flipped), ("half", lambda raw: raw[: len(raw) // 2])):
        mp.pack(folder / "tiny", folder / name, progress=False)
        path = folder / name / "model.meadow.safetensors"
        path.write_bytes(change(path.read_bytes()))


def _flipped(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


def _write_wrong_models(folder: Path) -> None:
    """Write models whose configuration or weights are wrong."""
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "wrong-shape": lambda config: config.update(hidden_size=40),
        "wrong-family": lambda config: config.update(
            model_type="mamba", architectures=["MambaForCausalLM"]
        ),
        "missing-key": lambda config: config.pop("num_attention_heads"),
        "missing-tensor": lambda config: config.update(num_hidden_layers=4),
        "gpt-neo-wrong": lambda config: config.update(attention_layers=["global", "odd", "local"]),
    }
    for name, change in changes.items():
        label = "gpt-neo" if name.startswith("gpt-neo") else "llama"
        path = write_family(label, folder / name) / "config.json"
        config = json.loads(path.read_text())
        change(config)
        path.write_text(json.dumps(config))
    (write_family("llama", folder / "bad-json") / "config.json").write_text('{"hidden_size": 36,')


def _calls(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    for key, call in _wrong_calls(folder):

        def said(call: Callable[[], Any] = call) -> str:
            try:
                return f"returned {type(call()).__name__}\n"
            except Exception as error:  # noqa: BLE001 - whatever it raises is what is recorded
                return masked(failure(error), (), places)

        recorder.text(f"refused/call/{key}", said())


def _wrong_calls(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    import meadow_py as mp
    from meadow_py import blobs, codecs, devices, simulator, workload
    from meadow_py.quantize import quantize
    from meadow_py.quantize_q8 import quantize_q8

    weight = noise("w", 8, 32)
    codes = np.zeros((4, 6), np.int8)
    blob = blobs.encode(np.frombuffer(stored(weight, "F16"), np.uint8), "F16", (8, 32))
    nan = weight.copy()
    nan[3, 5] = np.nan
    for key, array in (
        ("1-D", weight[0]), ("empty", weight[:0]), ("NaN", nan), ("whole", codes),
        ("list", [[1.0]]), ("complex", weight.astype(np.complex64)),
        ("text", np.array([["a"]])),
    ):  # fmt: skip
        yield f"quantize/{key}", lambda a=array: quantize(a)
        yield f"quantize_q8/{key}", lambda a=array: quantize_q8(a)
        yield f"profile/{key}", lambda a=array: mp.profile({"w": a}, progress=False)
    for bits in (1, 9, 2.5, "8", True):
        yield f"quantize/bits={bits!r}", lambda b=bits: quantize(weight, b)
    for chunk in (0, 17, 1.5):
        yield f"codecs/chunk={chunk!r}", lambda c=chunk: codecs.pack(codes, chunk=c)
    yield "codecs/codec", lambda: codecs.pack(codes, "zip")
    yield "codecs/floats", lambda: codecs.pack(weight)
    yield "codecs/wide", lambda: codecs.pack(codes + 9, bits=4)
    yield "codecs/along", lambda: codecs.pack(codes, along="up")  # type: ignore[arg-type]
    for count in (0, 5, 20):
        yield f"codecs/cut-{count}", lambda n=count: codecs.decode(codecs.pack(codes)[:n])
        yield f"blobs/cut-{count}", lambda n=count: blobs.decode(blob[:n])
    yield "blobs/dtype", lambda: blobs.encode(blob, "F12", (8,))
    yield "blobs/shape", lambda: blobs.encode(np.zeros(8, np.uint8), "F32", (3,))
    yield "blobs/codec", lambda: blobs.encode(np.zeros(8, np.uint8), "F32", (2,), codec="zip")
    yield "blobs/range", lambda: blobs.decode_range(blob, 5, 10**9)
    for threads in (-1, 2000, 1.5, "all", None, True):
        yield (
            f"threads/profile={threads!r}",
            lambda t=threads: mp.profile(
                folder / "tiny", chunk_sizes=2, roles="mlp.up", threads=t, progress=False
            ),
        )
        yield f"threads/load={threads!r}", lambda t=threads: mp.load(folder / "tiny", threads=t)
        yield (
            f"threads/verify={threads!r}",
            lambda t=threads: mp.verify(folder / "packed", threads=t, progress=False),
        )
    models: tuple[Any, ...] = (None, 5, "", [], {}, b"x", {"w": 3}, folder / "tiny/config.json")
    for model in models:
        shown = model.name if isinstance(model, Path) else repr(model)
        yield f"open/{shown}", lambda m=model: mp.open_checkpoint(m)
        yield f"simulate/{shown}", lambda m=model: mp.simulate(m, device="zcu102")
    yield "load/form", lambda: mp.load(folder / "tiny", form="nf4")
    yield "load/dtype", lambda: mp.load(folder / "tiny", dtype="F16")
    yield "load/activations", lambda: mp.load(folder / "tiny", activations="int8")
    yield "load/both", lambda: mp.load(folder / "tiny", form="q8", dtype="BF16")
    yield from _wrong_generations(folder)
    yield "devices/none", lambda: devices.get("none")
    for bandwidth in ("12", "fast", "-1GB/s", "0GB/s", "nan GB/s", "12gb/s"):
        yield f"bandwidth/{bandwidth}", lambda b=bandwidth: devices.parse_bandwidth(b)
    yield "workload/tokens", lambda: workload.of("opt-125m", tokens=0)
    yield "workload/shape", lambda: workload.shape_of({"model_type": "opt"})
    yield "simulate/setting", lambda: mp.simulate("opt-125m", device="zcu102", speed=3)
    yield "simulate/overlap", lambda: mp.simulate("opt-125m", device="zcu102", overlap=-1)
    yield "packing_table/none", lambda: simulator.packing_table("opt-125m", devices=[])
    yield "config/mode", lambda: mp.show_config("json")  # type: ignore[call-overload]


def _wrong_generations(folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    import meadow_py as mp

    model = mp.load(folder / "demo", form="dense")
    wrong: tuple[tuple[str, Any], ...] = (
        ("max_tokens", -1), ("max_tokens", 1.5), ("temperature", -1.0), ("temperature", "hot"),
        ("temperature", float("nan")), ("top_k", -1), ("top_p", 1.5), ("min_p", -0.5),
        ("repetition_penalty", 0.0), ("seed", -1), ("seed", 2**64), ("stop", ""), ("stop", [3]),
    )  # fmt: skip
    for name, value in wrong:
        yield (
            f"generate/{name}={value!r}",
            lambda o={name: value}: list(model.generate("The", **{"max_tokens": 2, **o})),
        )
    for prompt in ([], [-1], [10**6], [1.5], list(range(3, 300)) * 9, np.zeros((2, 2)), None):
        shown = (
            f"{len(prompt)} ids" if isinstance(prompt, list) and len(prompt) > 3 else repr(prompt)
        )
        yield f"logits/{shown}", lambda p=prompt: model.logits(p)
        yield f"generate/{shown}", lambda p=prompt: list(model.generate(p, max_tokens=1))
    for context, stride in ((0, 4), (4, 0), (10**6, 4), (4, 8)):
        yield (
            f"perplexity/{context}-{stride}",
            lambda c=context, s=stride: model.perplexity(
                "The history of the house.", context=c, stride=s
            ),
        )

    def closed() -> Any:
        model.close()
        return model.logits([3])

    yield "closed", closed


def _damaged(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    """Record what every kind of damage to a packed file is called."""
    import meadow_py as mp

    good = (folder / "packed" / "model.meadow.safetensors").read_bytes()
    path = folder / "one.safetensors"

    def said(content: bytes, call: Callable[..., Any]) -> str:
        path.write_bytes(content)
        try:
            return f"{type(call(path)).__name__}\n"
        except Exception as error:  # noqa: BLE001 - whatever it raises is what is recorded
            return masked(failure(error), (), places)

    def opened(path: Path) -> Any:
        with mp.open_checkpoint(path) as checkpoint:
            return [tensor.array() for tensor in checkpoint.tensors.values()]

    calls: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("verify", lambda p: mp.verify(p, progress=False)), ("inspect", mp.inspect),
        ("open", opened),
    )  # fmt: skip
    steps = [round(len(good) * part / 40) for part in range(40)]
    places_in = [*range(0, 16, 3), *steps[1:]]
    for name, call in calls:
        cut = [f"{n}: {said(good[:n], call)}" for n in steps]
        recorder.text(f"damage/{name}/cut", "".join(cut))
        flipped = [
            f"{n}: {said(good[:n] + bytes([good[n] ^ 0x10]) + good[n + 1 :], call)}"
            for n in places_in
        ]
        recorder.text(f"damage/{name}/flipped", "".join(flipped))


def _loaders(recorder: Recorder, folder: Path, places: dict[str, str]) -> None:
    """Record what loaders of results say to every kind of wrong value at every key."""
    import meadow_py as mp

    options: dict[str, Any] = {"chunk_sizes": 2, "granularity": "row", "progress": False}
    results: tuple[tuple[str, Any], ...] = (
        ("profile", mp.profile(folder / "tiny", roles="mlp.up", **options)),
        ("sweep", mp.sweep(folder / "tiny", roles="mlp.up", bits=4, **options)),
        ("simulation", mp.simulate("opt-125m", device="zcu102")),
    )
    path = folder / "result.json"
    for name, result in results:
        lines = []
        for label, changed in _mutations(result.to_dict()):
            path.write_text(json.dumps(changed))
            try:
                outcome = f"{type(type(result).load(path)).__name__}\n"
            except Exception as error:  # noqa: BLE001 - whatever it raises is what is recorded
                outcome = masked(failure(error), (), places)
            lines.append(f"{label}: {outcome}")
        recorder.text(f"loader/{name}", "".join(lines))


def _mutations(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value of a nested dict, the first of every list, left out or replaced in turn."""
    for where in _places(data):
        for label, value in (("left out", ...), ("text", "x"), ("null", None), ("-1", -1)):
            changed = json.loads(json.dumps(data))
            holder = changed
            for step in where[:-1]:
                holder = holder[step]
            if value is ...:
                del holder[where[-1]]
            else:
                holder[where[-1]] = value
            yield f"{'.'.join(map(str, where))} {label}", changed


def _places(data: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data[:1])
    for step, value in steps:
        yield (*before, step)
        if isinstance(value, dict | list) and value and len(before) < 3:
            yield from _places(value, (*before, step))
