"""A profile as JSON, as rows, and back."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from meadow_py.codecs import CODERS
from meadow_py.errors import FormatError
from meadow_py.files import write_whole
from meadow_py.ledger import Ledger
from meadow_py.profiler.checking import check_profile
from meadow_py.profiler.coded import HuffmanTable, StoredFloats
from meadow_py.profiler.measured import MeasuredHost, MeasuredProducts
from meadow_py.profiler.result import (
    HostInfo,
    ModelInfo,
    PacketLayout,
    Packing,
    Profile,
    Settings,
    ValueDistribution,
    WeightProfile,
)
from meadow_py.quantizers import STORED, integers_key, product_keys
from meadow_py.results import DAMAGE, read_json, reason_of

VERSION = 1

_T = TypeVar("_T")


def profile_to_dict(profile: Profile) -> dict[str, Any]:
    """See `Profile.to_dict`."""
    return {
        "version": VERSION,
        "model": profile.model.source,
        "model_info": asdict(profile.model),
        "settings": jsonable(asdict(profile.settings)),
        "host": asdict(profile.host),
        "seconds": dict(profile.seconds),
        "measured": None if profile.measured is None else asdict(profile.measured),
        "weights": [weight_to_dict(weight) for weight in profile.weights],
    }


def to_json(profile: Profile) -> str:
    """Strict JSON (no NaN, no Infinity), one line per weight, so that files diff well."""
    data = profile_to_dict(profile)
    weights = data.pop("weights")
    lines = ",\n".join(" " + json.dumps(weight, allow_nan=False) for weight in weights)
    head = json.dumps(data, allow_nan=False)[:-1]
    return f'{head}, "weights": [\n{lines}\n]}}\n' if lines else f'{head}, "weights": []}}\n'


def profile_to_rows(profile: Profile) -> list[dict[str, Any]]:
    """One flat dict per weight and packing."""
    return [_row(weight, packing) for weight in profile.weights for packing in weight.packings]


def save(profile: Profile, path: str | os.PathLike[str]) -> None:
    """See `Profile.save`."""
    write_whole(path, to_json(profile))


def load(path: str | os.PathLike[str]) -> Profile:
    """See `Profile.load`."""
    return profile_from_json(read_json(path, "profile"), path)


def profile_from_json(data: Any, path: str | os.PathLike[str]) -> Profile:
    """A profile from the JSON types of a file; error messages name it `path`."""
    if not isinstance(data, dict) or "version" not in data or "weights" not in data:
        raise FormatError(f"{path}: not a profile: expected an object with version and weights")
    version = data["version"]
    if not isinstance(version, int) or version != VERSION:
        raise FormatError(
            f"{path}: profile version {version!r}, this library reads version {VERSION}: "
            "update meadow_py, or profile the model again"
        )
    try:
        made = _profile_from_dict(data)
        check_profile(made)
    except DAMAGE as error:
        raise FormatError(f"{path}: damaged profile: {reason_of(error)}") from error
    return made


def weight_to_dict(weight: WeightProfile) -> dict[str, Any]:
    """One weight as JSON types."""
    return {
        "name": weight.name,
        "role": weight.role,
        "layer": weight.layer,
        "shape": list(weight.shape),
        "dtype": weight.dtype,
        "content_dtype": weight.content_dtype,
        "floors": dict(weight.floors),
        "values": None if weight.values is None else jsonable(asdict(weight.values)),
        "stored": None if weight.stored is None else _stored_to_dict(weight.stored),
        "products": None if weight.products is None else asdict(weight.products),
        "packings": [_packing_to_dict(packing) for packing in weight.packings],
    }


def _stored_to_dict(stored: StoredFloats) -> dict[str, Any]:
    return {
        "bits": stored.bits,
        "bits_per_weight": dict(stored.bits_per_weight),
        "floors": dict(stored.floors),
        "ledgers": {name: ledger.to_dict() for name, ledger in stored.ledgers.items()},
        "coding": stored.coding,
        "huffman": [asdict(table) for table in stored.huffman],
    }


def _packing_to_dict(packing: Packing) -> dict[str, Any]:
    return {
        "quantizer": packing.quantizer,
        "bits": packing.bits,
        "granularity": packing.granularity,
        "chunk_size": packing.chunk_size,
        "unique_chunks": packing.unique_chunks,
        "reduction_ratio": packing.reduction_ratio,
        "snr_db": packing.snr_db,
        "packet": jsonable(asdict(packing.packet)),
        "bits_per_weight": dict(packing.bits_per_weight),
        "ledgers": {name: ledger.to_dict() for name, ledger in packing.ledgers.items()},
        "growth": [list(point) for point in packing.growth],
        "huffman": None if packing.huffman is None else asdict(packing.huffman),
        "storage_coding": packing.storage_coding,
    }


def jsonable(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass with lists in place of tuples, as they are read from JSON."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


def _row(weight: WeightProfile, packing: Packing) -> dict[str, Any]:
    return {
        "name": weight.name,
        "role": weight.role,
        "layer": weight.layer,
        "out": weight.shape[0],
        "in": weight.shape[1],
        "dtype": weight.dtype,
        "content_dtype": weight.content_dtype,
        "quantizer": packing.quantizer,
        "bits": packing.bits,
        "granularity": packing.granularity,
        "chunk_size": packing.chunk_size,
        "unique_chunks": packing.unique_chunks,
        "reduction_ratio": packing.reduction_ratio,
        "snr_db": packing.snr_db,
        **{f"{key}_bpw": value for key, value in packing.bits_per_weight.items()},
        **_huffman_columns(packing.huffman),
        "storage_coding": packing.storage_coding,
        "floor_fields": weight.floors["fields"],
        "floor_joint": weight.floors["joint"],
        **_stored_columns(weight.stored),
        **_product_columns(weight),
    }


def _huffman_columns(table: HuffmanTable | None) -> dict[str, int | None]:
    names = ("entries", "longest", "table_bits", "streams")
    return {f"huffman_{name}": None if table is None else getattr(table, name) for name in names}


def _stored_columns(stored: StoredFloats | None) -> dict[str, float | None]:
    figures = {} if stored is None else stored.bits_per_weight
    coded = {f"stored_{name}_bpw": figures.get(name) for name in CODERS}
    return {"stored_bits": None if stored is None else stored.bits, **coded}


def _product_columns(weight: WeightProfile) -> dict[str, float | None]:
    made = weight.products
    packed = None if made is None else made.packed_nbytes
    return {
        "dense_microseconds": None if made is None else made.dense_microseconds,
        "packed_microseconds": None if made is None else made.packed_microseconds,
        "product_bpw": None if made is None else 8 * made.dense_nbytes / weight.count,
        "packed_product_bpw": None if packed is None else 8 * packed / weight.count,
        "speedup": None if made is None else made.speedup,
    }


def _profile_from_dict(data: dict[str, Any]) -> Profile:
    model, settings = _build(ModelInfo, data["model_info"]), _settings_from_dict(data["settings"])
    return Profile(
        model=model,
        settings=settings,
        host=_build(HostInfo, data["host"]),
        weights=tuple(weight_from_dict(each, settings.symmetric) for each in data["weights"]),
        seconds={str(stage): float(s) for stage, s in data.get("seconds", {}).items()},
        measured=_built(MeasuredHost, data.get("measured")),
    )


def _settings_from_dict(data: dict[str, Any]) -> Settings:
    """Files of earlier versions name no quantisers: all pairs of bits and granularity were used."""
    if "quantizers" in data:
        return _build(Settings, data)
    keys = product_keys(data["bits"], data["granularity"], data["symmetric"])
    return _build(Settings, {**data, "quantizers": keys})


def weight_from_dict(data: dict[str, Any], symmetric: bool | None = True) -> WeightProfile:
    """One weight from the result of `weight_to_dict`. Raises one of `DAMAGE` if it is wrong.

    `symmetric` comes from the settings, and is needed for files of earlier versions.
    """
    rows, columns = data["shape"]
    floors = {key: None if v is None else _finite(v) for key, v in data["floors"].items()}
    return WeightProfile(
        name=_text(data["name"]),
        role=_text(data["role"]),
        layer=data.get("layer"),
        shape=(int(rows), int(columns)),
        dtype=_text(data["dtype"]),
        content_dtype=_text(data.get("content_dtype", data["dtype"])),
        floors=floors,
        packings=tuple(_packing_from_dict(each, symmetric) for each in data["packings"]),
        values=_values_from_dict(data.get("values")),
        stored=_stored_from_dict(data.get("stored")),
        products=_built(MeasuredProducts, data.get("products")),
    )


def _stored_from_dict(data: dict[str, Any] | None) -> StoredFloats | None:
    if data is None:
        return None
    return StoredFloats(
        bits=int(data["bits"]),
        bits_per_weight={key: _finite(v) for key, v in data["bits_per_weight"].items()},
        floors={key: _finite(v) for key, v in data["floors"].items()},
        ledgers={key: _ledger_from_dict(v) for key, v in data["ledgers"].items()},
        coding=_text(data["coding"]),
        huffman=tuple(_build(HuffmanTable, table) for table in data["huffman"]),
    )


def _packing_from_dict(data: dict[str, Any], symmetric: bool | None) -> Packing:
    bits, granularity = int(data["bits"]), data["granularity"]
    if "quantizer" not in data:  # files of earlier versions
        key = integers_key(bits, _text(granularity), symmetric is not False)
        data = {**data, "quantizer": granularity if granularity == STORED else key}
    return Packing(
        quantizer=_text(data["quantizer"]),
        bits=bits,
        granularity=None if granularity is None else _text(granularity),
        chunk_size=int(data["chunk_size"]),
        unique_chunks=int(data["unique_chunks"]),
        reduction_ratio=_finite(data["reduction_ratio"]),
        snr_db=None if data["snr_db"] is None else _finite(data["snr_db"]),
        packet=_packet_from_dict(data["packet"]),
        bits_per_weight=_bits_per_weight(data["bits_per_weight"]),
        ledgers={key: _ledger_from_dict(v) for key, v in data["ledgers"].items()},
        growth=tuple((int(read), int(distinct)) for read, distinct in data.get("growth", [])),
        huffman=_built(HuffmanTable, data.get("huffman")),
        storage_coding=None if (c := data.get("storage_coding")) is None else _text(c),
    )


def _values_from_dict(data: dict[str, Any] | None) -> ValueDistribution | None:
    if data is None:
        return None
    numbers = {key: _finite(data[key]) for key in ("low", "high", "mean", "std", "step")}
    counts = tuple(int(count) for count in data["counts"])
    return ValueDistribution(first=int(data["first"]), counts=counts, **numbers)


def _bits_per_weight(data: dict[str, Any]) -> dict[str, float]:
    """In files older than plain Huffman, its lower bound takes its place."""
    figures = {key: _finite(v) for key, v in data.items()}
    figures.setdefault("plain_huffman", figures["floor_symbol"] + figures["scales"])
    return figures


def _packet_from_dict(data: dict[str, Any]) -> PacketLayout:
    widths = tuple(int(width) for width in data["widths"])
    return PacketLayout(int(data["length"]), int(data["mode_bits"]), widths)


def _ledger_from_dict(data: dict[str, Any]) -> Ledger:
    return _build(Ledger, {part: int(bits) for part, bits in data.items()})


def _build(make: Callable[..., _T], data: Mapping[str, Any]) -> _T:
    """A dataclass from its fields; keys that later versions added are ignored."""
    known = make.__dataclass_fields__  # type: ignore[attr-defined]
    values = {key: data[key] for key in data if key in known}
    return make(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _built(make: Callable[..., _T], data: Mapping[str, Any] | None) -> _T | None:
    return None if data is None else _build(make, data)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} where a string is expected")
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} where a finite number is expected")
    return number
