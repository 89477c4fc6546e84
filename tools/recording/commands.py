"""Every verb of the command line on fixed inputs: text, JSON and HTML."""

from __future__ import annotations

import re
from pathlib import Path

from recording.forking import places_of, preload, run
from recording.masks import masked
from recording.store import Recorder, digest, needs

_PROFILE = "profile --quiet"
_SMALL = "--granularity tensor,group:32 --chunk-size 2,4"
_SMALLEST = "--granularity row --chunk-size 2"
_BENCH = "bench demo --prompt-tokens 4 --tokens 2 --runs 1 --threads 1 --quiet"
_RUN = "run demo --max-tokens 12 --prompt history"
_VERBS = (
    "", "profile", "sweep", "report", "pack", "verify", "inspect", "unpack", "run", "bench",
    "simulate", "plan", "devices", "devices show", "devices measure", "config",
)  # fmt: skip

# Key, command line, rules of masks. They run in this order, in one folder.
_COMMANDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("version", "--version", ("installation",)),
    ("config/text", "config", ("installation",)),
    ("config/json", "config --json", ("installation",)),
    ("profile/default", _PROFILE, ("host",)),
    ("profile/json", f"{_PROFILE} --json --role attention.q --bits 4 {_SMALL}", ("host",)),
    ("profile/save", f"{_PROFILE} demo --bits 8,4 {_SMALL} -o demo.json", ("host",)),
    ("profile/all", f"{_PROFILE} tiny --all --asymmetric --along out -o tiny.json", ("host",)),
    ("profile/tiny-json", f"{_PROFILE} tiny --json --role head {_SMALL}", ("host",)),
    ("profile/mixed", f"{_PROFILE} mixed.safetensors --json {_SMALLEST}", ("host",)),
    ("profile/gguf", f"{_PROFILE} tiny-F16.gguf --no-verify {_SMALL}", ("host",)),
    ("profile/sharded", f"{_PROFILE} sharded --role mlp --threads 1 {_SMALL}", ("host",)),
    ("profile/journal", f"{_PROFILE} tiny --resume journal {_SMALL}", ("host",)),
    ("profile/resumed", f"{_PROFILE} tiny --resume journal {_SMALL}", ("host",)),
    ("sweep/demo", "sweep demo -q --role attention.q,mlp.up --chunk-size 2,4", ("host",)),
    ("sweep/json", "sweep tiny -q --json --role head --chunk-size 2 -o sweep.json", ("host",)),
    ("report/demo", "report demo.json -q -o demo.html", ("host",)),
    ("report/sweep", "report sweep.json -q -o sweep.html", ("host",)),
    ("report/tiny", "report tiny -q -o tiny.html --chunk-size 2", ("host",)),
    ("pack/demo", "pack demo packed", ("elapsed",)),
    ("pack/again", "pack demo packed -q", ("elapsed",)),
    ("pack/json", "pack tiny packed-tiny --json -q --codec planes", ("elapsed",)),
    ("pack/mixed", "pack mixed.safetensors mixed-packed.safetensors -q", ("elapsed",)),
    ("pack/gguf", "pack tiny-Q8_0.gguf packed-gguf -q --codec small", ("elapsed",)),
    ("pack/sharded", "pack sharded packed-sharded -q --codec huffman", ("elapsed",)),
    ("verify/demo", "verify packed", ("elapsed",)),
    ("verify/json", "verify packed-tiny --json", ("elapsed",)),
    ("verify/quiet", "verify packed-gguf -q", ("elapsed",)),
    ("inspect/demo", "inspect packed", ()),
    ("inspect/all", "inspect packed-sharded --all", ()),
    ("inspect/json", "inspect mixed-packed.safetensors --json", ()),
    ("inspect/card", "inspect packed --card", ()),
    ("unpack/demo", "unpack packed unpacked", ("elapsed",)),
    ("unpack/again", "unpack packed unpacked --json", ("elapsed",)),
    ("unpack/file", "unpack mixed-packed.safetensors mixed-again.safetensors -q", ("elapsed",)),
    ("profile/packed", f"{_PROFILE} packed-tiny --json --role head {_SMALL}", ("host",)),
    ("run/greedy", f"{_RUN} --greedy --form dense", ("speed",)),
    ("run/packed", f"{_RUN} --greedy --form packed --json", ("speed",)),
    ("run/seed", f"{_RUN} --seed 7 --top-k 50 --min-p 0.01 --form q8 --json", ("speed",)),
    ("run/stop", f"{_RUN} --greedy --stop e --form int8 --quiet", ()),
    ("run/stdin", "run packed -n 8 --greedy -p - --activations BF16 --json", ("speed", "chosen")),
    ("run/none", "run -n 0 --greedy --quiet", ()),
    ("bench/json", f"{_BENCH} --dtype BF16 --json --no-memory", ("bench",)),
    ("simulate/demo", "simulate -d zcu102", ()),
    ("simulate/opt", "simulate opt-125m -d zcu102 --bandwidth 12Gb/s --packing 1.5x --all", ()),
    ("simulate/json", "simulate -d zcu102 --dataflow tphs --json -o simulation.json", ()),
    ("simulate/pi", "simulate opt-1.3b -d raspberry-pi-5 --precision w4.5a8kv16 --context 64", ()),
    ("simulate/profile", "simulate -d kv260 --profile demo.json --packing reindexed", ()),
    ("simulate/stored", "simulate -d zcu102 --profile demo.json --packing stored.storage", ()),
    ("simulate/no-head", "simulate -d orin-nano --no-head --batch 4 --generate 8", ()),
    ("simulate/assume", "simulate -d zcu102 --assume overlap=0.5 --prompt 64 --dataflow gemm", ()),
    ("plan/demo", "plan -d raspberry-pi-5", ()),
    ("plan/json", "plan opt-1.3b -d zcu102 --precision w8a8,w4a8 --batch 2 --json", ()),
    ("plan/small", "plan -d stm32h743 --context 64 --prompt 16", ()),
    ("plan/profile", "plan -d esp32-s3 --profile demo.json --usable-memory 0.5", ()),
    ("plan/bytes", "plan opt-125m -d coral --weight-bytes 9e7 --read-efficiency 0.5 --json", ()),
    ("devices/list", "devices", ()),
    ("devices/zcu102", "devices show zcu102", ()),
    ("devices/pi-json", "devices show raspberry-pi-5 --json", ()),
    ("devices/measured", "devices measure --name mine", ("numbers",)),
)  # fmt: skip
# Of these the output is recorded as a hash: other entries have the same as text.
_HASHED: tuple[tuple[str, str], ...] = (
    ("devices/json", "devices --json"),
    ("simulate/opt-json", "simulate opt-1.3b -d zcu102 --json"),
)
_PAGES = ("demo.html", "sweep.html")
_SAVED = ("demo.json", "tiny.json", "sweep.json", "simulation.json")
_PLOTTED = (
    ("simulate -d zcu102 --plot {file} --plot-kind", "time"),
    ("simulate -d zcu102 --plot {file} --plot-kind", "bandwidth"),
    ("simulate -d zcu102 --plot {file} --plot-kind", "roofline"),
    ("simulate -d zcu102 --plot {file} --plot-kind", "energy"),
    ("simulate -d zcu102 --plot {file} --plot-kind", "buffers"),
    ("simulate -d zcu102 --plot {file} --plot-kind", "map"),
    ("profile tiny -q --plot {file} --plot-kind", "heatmap"),
    ("profile tiny -q --plot {file} --plot-kind", "bytes"),
    ("profile tiny -q --plot {file} --plot-kind", "ratio"),
    ("profile tiny -q --plot {file} --plot-kind", "values"),
    ("profile tiny -q --plot {file} --plot-kind", "growth"),
    ("sweep tiny -q --plot {file} --plot-kind", "rate-distortion"),
)


def record(recorder: Recorder, folder: Path) -> None:
    """Run every command, and record what it says and writes."""
    preload()
    places = places_of(folder)
    wrapped = needs("rich", "typer")
    for verb in _VERBS:
        done = run([*verb.split(), "--help"], folder)
        recorder.text(f"help/{verb or 'meadow'}", done.shown((), places), wrapped)
    for key, line, rules in _COMMANDS:
        done = run(line.split(), folder, stdin=b"The history")
        recorder.text(f"command/{key}", f"$ meadow {line}\n" + done.shown(rules, places))
    for key, line in _HASHED:
        recorder.data(f"command/{key}", run(line.split(), folder).shown((), places).encode())
    for name in _SAVED:
        saved = (folder / name).read_text(encoding="utf-8")
        _saved(recorder, name, masked(saved, ("host",), places))
    for name in _PAGES:
        _page(recorder, name, masked((folder / name).read_text("utf-8"), ("host",), places))
    _unpacked(recorder, folder)
    _plots(recorder, folder)


def _saved(recorder: Recorder, name: str, text: str) -> None:
    """Record a saved result: short ones as they are, long ones as a hash and their keys."""
    recorder.data(f"saved/{name}", text.encode())
    if len(text) < 60_000:
        recorder.text(f"saved/{name}/text", text)
    else:
        keys = sorted(set(re.findall(r'"([a-z_0-9]+)": ', text)))
        recorder.text(f"saved/{name}/keys", "\n".join(keys) + "\n")


def _page(recorder: Recorder, name: str, page: str) -> None:
    """Record an HTML page without its drawings, and how many it has."""
    drawings = re.findall(r"(?s)<svg.*?</svg>|data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", page)
    recorder.text(f"page/{name}", masked(page, ("drawings",), {}))
    shown = "".join(f"{digest(one.encode())}\n" for one in drawings)
    recorder.text(f"page/{name}/drawings", shown, needs("matplotlib"))


def _unpacked(recorder: Recorder, folder: Path) -> None:
    """Record whether every original came back."""
    lines = []
    for path in sorted((folder / "demo").iterdir()):
        again = (folder / "unpacked" / path.name).read_bytes()
        lines.append(f"{path.name}: {'the same' if again == path.read_bytes() else 'differs'}\n")
    same = (folder / "mixed.safetensors").read_bytes()
    again = (folder / "mixed-again.safetensors").read_bytes()
    lines.append(f"mixed.safetensors: {'the same' if again == same else 'differs'}\n")
    recorder.text("unpacked", "".join(lines))


def _plots(recorder: Recorder, folder: Path) -> None:
    """Record the hash of every kind of plot, as PNG, without its metadata of the release."""
    for line, kind in _PLOTTED:
        file = f"{kind}.png"
        done = run([*line.format(file=file).split(), kind], folder)
        made = folder / file
        drawn = digest(made.read_bytes()) if made.is_file() else "nothing was drawn"
        said = done.err if done.code else ""
        verb = line.split(maxsplit=1)[0]
        text = f"exit code {done.code}\n{said}{drawn}\n"
        recorder.text(f"plot/{verb}/{kind}", text, needs("matplotlib"))
