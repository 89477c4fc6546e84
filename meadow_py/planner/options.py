"""`plan`: whether a model fits on a device, where, and how fast it runs there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meadow_py import devices
from meadow_py.devices import Device, Quantity
from meadow_py.planner import model_forms
from meadow_py.planner.model_forms import ModelForm
from meadow_py.planner.placement import footprint, holds, longest_context, place, streaming_storage
from meadow_py.planner.result import MEMORY, NOWHERE, ON_CHIP, STORAGE, FromStorage, Option, Plan
from meadow_py.planner.scenario import (
    READ_EFFICIENCY,
    USABLE_MEMORY,
    Scenario,
    assumptions_of,
    tokens_together,
)
from meadow_py.planner.times import Lying, TimeModel, Times, per_second, reading
from meadow_py.simulator import Band
from meadow_py.workload import ModelShape, Precision, shape_of

if TYPE_CHECKING:
    from meadow_py.profiler import Profile


_CONTEXT, _PROMPT = 2048, 128  # unless the model takes fewer tokens
_NOMINAL = (
    "Sizes are nominal: bits times weights, without tables, scales, norms and biases. What packing "
    "saves depends on the weights: give a profile of the model (profile=, --profile)."
)
_DECODERS = (
    "Packed weights are taken to be decoded as fast as they are read, by hardware on the way. The "
    "storage codec is decoded when weights are loaded: in memory they are dense."
)
_ENCODER = "An encoder decodes nothing: the time of the prompt is that of one input."


def plan(
    model: Any,
    device: str | os.PathLike[str] | Device,
    *,
    context: int | None = None,
    prompt: int | None = None,
    batch: int = 1,
    precisions: Sequence[str | Precision] = model_forms.PRECISIONS,
    profile: Profile | None = None,
    activation_bits: float | None = None,
    weight_bytes: float | None = None,
    bandwidth: str | float | None = None,
    read_efficiency: float | Quantity | None = None,
    usable_memory: float | Quantity | None = None,
) -> Plan:
    """Plan whether a model fits on a device, where, and how fast it runs there.

    Nothing is run and no weight is read. Times are lower bounds: transfer and arithmetic overlap.

    Parameters
    ----------
    model
        Anything `meadow_py.workload.shape_of` takes: a bundled name, a folder, a ``config.json``...
    device : str, path or Device
        Anything `meadow_py.devices.get` takes.
    context : int, optional
        Tokens in the KV cache. None: 2048, or the model's limit if that is lower.
    prompt : int, optional
        Tokens in the prompt. None: 128, or `context` if that is lower.
    batch : int
        Number of sequences processed together.
    precisions : sequence of str or Precision
        One row of the plan each, such as ``"w4.5a8kv16"``: 4-bit weights with a 16-bit scale for
        every 32. If the model has weights, a row for them as stored comes first. Ignored with
        `profile`; with `weight_bytes`, only the first entry counts.
    profile : Profile, optional
        A profile of this model. The plan then has a row for each of its quantisers and codecs,
        with measured sizes.
    activation_bits : float, optional
        Bits of activations and of the KV cache when sizes come from `profile`. None: as wide as
        the profile's codes, but at least 8.
    weight_bytes : float, optional
        Size in bytes of a file with all weights, in place of a nominal size.
    bandwidth : str or float, optional
        Memory bandwidth in place of the device's: ``"12Gb/s"``, or bytes per second.
    read_efficiency : float or Quantity, optional
        Share of a storage's speed that loading attains. None: 0.9, in a range from 0.11 (a
        memory-mapped file, llama.cpp issue #9244) to 1.
    usable_memory : float or Quantity, optional
        Share of memory that the model may take. None: 0.9, in a range from 0.75 to 1.

    Returns
    -------
    Plan
        One option for each precision and packing.

    Raises
    ------
    ValueError
        For unknown names and arguments out of range.
    OSError
        If a file cannot be read.
    meadow_py.FormatError
        If a device file or a configuration is malformed.

    Notes
    -----
    The time of a token follows the roofline: max(bytes / bandwidth, operations / rate) + overhead,
    where the bytes are those of the blocks, the head and the KV cache. The first token from cold
    takes reading all weights and then the prompt.
    """
    shape, found = shape_of(model), devices.get(device)
    found = found if bandwidth is None else found.with_bandwidth(bandwidth)
    scenario = _scenario(shape, found, context, prompt, batch, read_efficiency, usable_memory)
    rows = _forms(model, shape, precisions, profile, activation_bits, weight_bytes)
    return Plan(
        model=shape,
        device=found,
        context=scenario.context,
        prompt=scenario.prompt,
        batch=batch,
        options=tuple(_option(form, scenario) for form in rows),
        room={ON_CHIP: scenario.on_chip_bytes, MEMORY: scenario.memory_bytes},
        assumptions=assumptions_of(scenario),
        notes=_notes(rows, shape, profile),
    )


def _scenario(
    shape: ModelShape,
    device: Device,
    context: int | None,
    prompt: int | None,
    batch: int,
    read_efficiency: float | Quantity | None,
    usable_memory: float | Quantity | None,
) -> Scenario:
    most = shape.fixed_tokens or shape.positions or _CONTEXT
    if shape.encoder:
        context, prompt = 0, prompt or most
    context = min(_CONTEXT, most) if context is None else context
    prompt = max(1, min(_PROMPT, context)) if prompt is None else prompt
    if prompt < 1 or batch < 1 or context < 0:
        raise ValueError(
            f"prompt={prompt}, batch={batch}, context={context}: expected a prompt and a batch of "
            "at least 1, and a context of at least 0"
        )
    if not shape.encoder and context < prompt:
        raise ValueError(f"context={context}: expected at least the {prompt} tokens of the prompt")
    if shape.positions is not None and context > shape.positions:
        raise ValueError(f"context={context}: {shape.name} takes at most {shape.positions} tokens")
    return Scenario(
        shape=shape,
        device=device,
        context=context,
        prompt=prompt,
        batch=batch,
        together=tokens_together(device, prompt),
        read_efficiency=_share("read_efficiency", read_efficiency, READ_EFFICIENCY),
        usable_memory=_share("usable_memory", usable_memory, USABLE_MEMORY),
    )


def _share(name: str, given: float | Quantity | None, default: Quantity) -> Quantity:
    if given is None:
        return default
    quantity = given if isinstance(given, Quantity) else Quantity.given(float(given))
    if not 0 < quantity.low <= quantity.high <= 1:
        raise ValueError(f"{name}={given!r}: expected more than 0 and at most 1")
    return quantity


def _forms(
    model: Any,
    shape: ModelShape,
    precisions: Sequence[str | Precision],
    profile: Profile | None,
    activation_bits: float | None,
    weight_bytes: float | None,
) -> list[ModelForm]:
    if not precisions:
        raise ValueError("precisions: expected at least one, such as 'w8a8'")
    if profile is not None and weight_bytes is not None:
        raise ValueError("profile and weight_bytes were given: expected only one of them")
    if weight_bytes is not None:
        if not 0 < weight_bytes < float("inf"):
            raise ValueError(f"weight_bytes={weight_bytes!r}: expected more than 0")
        return [model_forms.given(shape, Precision.parse(precisions[0]), weight_bytes)]
    if profile is not None:
        found = model_forms.of_profile(shape, profile, activation_bits)
        if not found:
            raise ValueError("profile: expected one with packings, found none")
        return found
    stored = model_forms.as_stored(model, shape)
    rows = [] if stored is None else [stored]
    return [*rows, *(model_forms.nominal(shape, Precision.parse(each)) for each in precisions)]


def _notes(rows: list[ModelForm], shape: ModelShape, profile: Profile | None) -> tuple[str, ...]:
    sources = {form.source for form in rows}
    notes = [_NOMINAL] if "nominal" in sources else []
    notes += [_DECODERS] if "profile" in sources else []
    more = 0 if profile is None else model_forms.surplus(shape, profile)
    if more:
        counted = model_forms.stored_weights(shape)
        notes.append(
            f"The profile holds {more} weights more than the {counted} that the shape of the model "
            "counts, such as position embeddings; their bytes are included."
        )
    return tuple([*notes, _ENCODER] if shape.encoder else notes)


def _option(form: ModelForm, scenario: Scenario) -> Option:
    need = footprint(form, scenario)
    lies = place(need, scenario)
    storage = streaming_storage(need, scenario) if lies.place == STORAGE else None
    try:
        times = None
        if lies.place != NOWHERE:
            times = TimeModel(form, need, scenario, Lying(lies.place, storage)).times()
        where, at = lies.where, lies.place
    except ValueError as error:  # no speed for operands so wide
        times, where, at = None, str(error), NOWHERE
    decode = None if times is None or scenario.shape.encoder else times.decode_s
    return Option(
        precision=form.precision,
        packing=form.packing,
        size_source=form.source,
        footprint=need,
        place=at,
        where=where,
        longest_context=_longest(form, need.activations, scenario),
        prefill_s=None if times is None else times.prefill_s,
        tokens_per_s=None if decode is None else per_second(decode, scenario.batch),
        energy_per_token_j=_energy(decode, scenario),
        bound="" if times is None else times.bound,
        storages=_from_storages(form, scenario, at, times),
        tiling=None if times is None else times.tiling,
    )


def _longest(form: ModelForm, activations: float, scenario: Scenario) -> int | None:
    room = max(scenario.memory_bytes, scenario.on_chip_bytes)
    return longest_context(form.stored_bytes + activations, room, scenario, form)


def _energy(decode: Band | None, scenario: Scenario) -> Band | None:
    power = scenario.device.power
    if decode is None or power is None or power.active is None:
        return None
    watts, share = power.active, 1 / scenario.batch
    return Band(
        decode.low * watts.low * share,
        decode.typical * watts.value * share,
        decode.high * watts.high * share,
    )


def _from_storages(
    form: ModelForm, scenario: Scenario, at: str, times: Times | None
) -> tuple[FromStorage, ...]:
    need = footprint(form, scenario)
    made = []
    for storage in scenario.device.storages:
        read = reading(need.file, scenario.read_bandwidth(storage))
        streamed = None
        if at == STORAGE:
            streamed = TimeModel(form, need, scenario, Lying(STORAGE, storage)).times()
        first = _first(read, at, times, streamed)
        rate = None if streamed is None or scenario.shape.encoder else streamed.decode_s
        speed = None if rate is None else per_second(rate, scenario.batch)
        made.append(FromStorage(storage.name, holds(storage, need), read, first, speed))
    return tuple(made)


def _first(read: Band, at: str, times: Times | None, streamed: Times | None) -> Band | None:
    """Time to the first token: weights are read first, or used as they arrive if streamed."""
    if streamed is not None:
        prompt = streamed.prefill_s
        return Band(
            max(read.low, prompt.low),
            max(read.typical, prompt.typical),
            max(read.high, prompt.high),
        )
    return read + times.prefill_s if times is not None and at in (ON_CHIP, MEMORY) else None
