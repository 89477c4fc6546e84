"""Every loader of JSON or TOML, with a real document, most of them made of the demo model."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mutation.changes import Path as Place
from mutation.changes import to_json, to_toml

_ROLE = "mlp.up"  # one matrix in each block is enough
_NOT_IN_TOML = frozenset({"null", "half a character"})


def _show(made: Any) -> None:
    """Convert a result in every way that it has."""
    for method in ("to_dict", "to_json", "to_dataframe", "_repr_html_"):
        if hasattr(made, method):
            found = getattr(made, method)()
            if method == "to_dict":
                json.dumps(found, allow_nan=False)
    said = repr(made)
    said.encode()
    if "\x1b" in said or "\x00" in said:
        raise AssertionError("control characters are printed as they are")


@dataclass(frozen=True)
class Loader:
    """A loader and what it promises.

    Attributes
    ----------
    document : object
        JSON types of a document that it reads.
    read : callable
        Reads the text of a document.
    write : callable
        Spells a document.
    refusals : tuple of type
        The exceptions that it promises for wrong documents.
    shown : callable
        Does with what was read what users do: prints it, converts it.
    plots : sequence of callable
        Draw it, one kind of plot each.
    undrawn : tuple of type
        The exceptions that plots promise for values that load, but cannot be drawn. Their messages
        name the place, too.
    left_out : frozenset of str
        Changes that its documents cannot express.
    place : callable
        The part of a path that messages give.
    flat : bool
        Whether messages name the key alone, or show the value: of files of other libraries, that
        is what users know.
    warns : bool
        Whether it may warn of a document that it reads.
    """

    document: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str] = to_json
    refusals: tuple[type[Exception], ...] = (ValueError,)
    shown: Callable[[Any], None] = _show
    plots: Sequence[Callable[[Any], Any]] = ()
    undrawn: tuple[type[Exception], ...] = ()
    left_out: frozenset[str] = frozenset()
    place: Callable[[Place], Place] = tuple
    flat: bool = False
    warns: bool = False


def _result(made: Any, folder: Path, plots: Sequence[Callable[[Any], Any]] = ()) -> Loader:
    """The loader of a result class."""
    from meadow_py import FormatError

    path = folder / "result.json"

    def read(text: str) -> Any:
        path.write_text(text, encoding="utf-8")
        return type(made).load(path)

    return Loader(
        json.loads(json.dumps(made.to_dict())), read, refusals=(FormatError,), plots=plots
    )


def _working(made: Any, kinds: Mapping[str, Any]) -> list[Callable[[Any], Any]]:
    """The kinds of plots that a result has without further options."""
    found: list[Callable[[Any], Any]] = []
    for kind in kinds:
        try:
            made.plot(kind)
        except (ValueError, TypeError):  # needs an option, or figures that this result lacks
            continue
        found.append(functools.partial(type(made).plot, kind=kind))
    return found


def _profile(folder: Path) -> Loader:
    import meadow_py as mp
    from meadow_py.views.plots import KINDS

    made = mp.profile(_demo(), roles=_ROLE, chunk_sizes=(2, 3), progress=False)
    return _result(made, folder, _working(made, KINDS))


def _sweep(folder: Path) -> Loader:
    import meadow_py as mp
    from meadow_py.views.plots import KINDS

    made = mp.sweep(_demo(), roles=_ROLE, bits=(4, 8), chunk_sizes=2, progress=False)
    return _result(made, folder, _working(made, KINDS))


def _simulation(folder: Path) -> Loader:
    import meadow_py as mp
    from meadow_py.views.plots import SIMULATION_KINDS

    made = mp.simulate(_demo(), device="zcu102")
    loader = _result(made, folder, _working(made, SIMULATION_KINDS))
    # A packing may be of any name. Curves over bandwidths and buffers need its bytes, which files
    # do not hold.
    return replace(loader, undrawn=(ValueError,))


def _plan(folder: Path) -> Loader:
    import meadow_py as mp
    from meadow_py.views.plots.plan import PLAN_KINDS

    made = mp.plan(_demo(), "raspberry-pi-5")
    return _result(made, folder, _working(made, PLAN_KINDS))


def _bench(folder: Path) -> Loader:
    import meadow_py as mp

    return _result(mp.bench(prompt_tokens=4, tokens=2, runs=1, progress=False), folder)


def _claims(folder: Path) -> Loader:
    import meadow_py as mp

    return _result(mp.claims(), folder)


def _manifest(folder: Path) -> Loader:
    from meadow_py.checkpoint.format.manifest import MANIFEST, manifest_from_json

    document = json.loads((_packed(folder) / MANIFEST).read_text(encoding="utf-8"))
    del document["checksum"]

    def sealed(wrong: Any) -> str:
        """With the right checksum, so that the change itself is what is refused."""
        text = to_json(wrong).rstrip("}").rstrip() + ',\n "checksum": "'
        digest = hashlib.sha256(f'{text}{"0" * 64}"\n}}'.encode()).hexdigest()
        return f'{text}{digest}"\n}}'

    return Loader(document, lambda text: manifest_from_json(text.encode(), "meadow.json"), sealed)


def _regions(folder: Path) -> Loader:
    from meadow_py.checkpoint.format.reader import PackedFile
    from meadow_py.checkpoint.format.region_table import table_from_json, table_to_json

    with PackedFile(_packed(folder) / "model.meadow.safetensors") as packed:
        table, size = packed.table, packed.source_size
    document = json.loads(table_to_json(table))
    return Loader(document, lambda text: table_from_json(text.encode(), size, "model.safetensors"))


def _device(folder: Path) -> Loader:
    from meadow_py import devices

    path = folder / "device.toml"

    def read(text: str) -> Any:
        path.write_text(text, encoding="utf-8")
        return devices.Device.from_toml(path)

    document = tomllib.loads(devices.get("zcu102").to_toml())
    return Loader(document, read, to_toml, left_out=_NOT_IN_TOML)


def _energy(folder: Path) -> Loader:
    from importlib.resources import files

    from meadow_py import devices

    path = folder / "energy.toml"

    def read(text: str) -> Any:
        path.write_text(text, encoding="utf-8")
        return devices.energy_table(f"{path}#lpddr5")

    found = min(files("meadow_py.devices").joinpath("energy").iterdir(), key=lambda one: one.name)
    document = tomllib.loads(found.read_text(encoding="utf-8"))
    document["energy"] = {name: document["energy"][name] for name in ("lpddr4", "lpddr5")}
    return Loader(document, read, to_toml, left_out=_NOT_IN_TOML)


def _journal(folder: Path) -> Loader:
    """The journal of a profile: the first line names the work, each other line is a result."""
    import meadow_py as mp

    path = folder / "work.jsonl"

    def profile() -> Any:
        return mp.profile(_demo(), roles=_ROLE, chunk_sizes=2, progress=False, resume=path)

    def read(text: str) -> Any:
        path.write_text(text, encoding="utf-8")
        return profile()

    path.unlink(missing_ok=True)
    profile()
    document = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def write(lines: Any) -> str:
        return "".join(to_json(line).replace("\n", "") + "\n" for line in lines)

    return Loader(document, read, write, place=_within_a_line)


def _within_a_line(path: Place) -> Place:
    """The path within the work, or within a result; messages name the weight as well."""
    return path[2:] if path[1:2] == ("result",) else path[1:]


def _config_to_run(folder: Path) -> Loader:
    import meadow_py as mp

    return _demo_file(folder, "config.json", lambda model: mp.load(str(model)))


def _config_to_simulate(folder: Path) -> Loader:
    from meadow_py.workload import shape_of

    return _demo_file(folder, "config.json", shape_of)


def _tokenizer_config(folder: Path) -> Loader:
    import meadow_py as mp

    return _demo_file(folder, "tokenizer_config.json", lambda model: mp.load(str(model)))


def _generation_config(folder: Path) -> Loader:
    import meadow_py as mp

    return _demo_file(folder, "generation_config.json", lambda model: mp.load(str(model)))


def _demo_file(folder: Path, name: str, read: Callable[[Path], Any]) -> Loader:
    """One JSON file of the demo's folder; the others are links to those of the package."""
    model = folder / name.removesuffix(".json")
    model.mkdir(exist_ok=True)
    for path in _demo().iterdir():
        if path.name != name and not (model / path.name).exists():
            (model / path.name).symlink_to(path)

    def read_text(text: str) -> Any:
        (model / name).write_text(text, encoding="utf-8")
        return read(model)

    document = json.loads((_demo() / name).read_text(encoding="utf-8"))
    return Loader(document, read_text, flat=True, warns=True)


def _demo() -> Path:
    from meadow_py import demo

    return demo.folder()


def _packed(folder: Path) -> Path:
    import meadow_py as mp

    target = folder / "packed"
    if not target.exists():
        mp.pack(_demo(), target, progress=False)
    return target


LOADERS: dict[str, Callable[[Path], Loader]] = {
    "profile": _profile,
    "sweep": _sweep,
    "simulation": _simulation,
    "plan": _plan,
    "bench": _bench,
    "claims": _claims,
    "manifest": _manifest,
    "regions": _regions,
    "device": _device,
    "energy": _energy,
    "journal": _journal,
    "config-to-run": _config_to_run,
    "config-to-simulate": _config_to_simulate,
    "tokenizer-config": _tokenizer_config,
    "generation-config": _generation_config,
}
