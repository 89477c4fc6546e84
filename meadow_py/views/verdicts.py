"""The titles and sentences about a profile or a sweep, which terminal and HTML share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meadow_py import quantizers
from meadow_py.codecs import CODECS, CODERS
from meadow_py.profiler.summary import (
    WORKING_SNR_DB,
    Group,
    Section,
    StoredDtype,
    stored_dtypes,
)
from meadow_py.spelling import byte_size, count, decibels, ratio, visible

if TYPE_CHECKING:
    from meadow_py.profiler import Profile
    from meadow_py.sweep import Choice, SweetSpot

VISIBLE = 0.005  # the least difference that two decimals show
# Bits per weight above the entropy of whole values that the table of the values, which it does not
# count, does not explain for ordinary weights.
_FAR_ABOVE = 0.5

PROFILE_FOOTNOTES = (
    "b/w: bits per weight with dictionary, modes, headers, padding and scales counted. "
    "symbol floor: entropy of single codes, without scales. storage, Huffman: the codes under the "
    "storage codec and a Huffman code of single codes, in blobs that decode by themselves. "
    "b/w and ratio: of the best packing. dictionary not counted: ratio of "
    "dense to indices of one fixed width and scales (in JSON index_only + scales); papers "
    "quote it, but nothing can be decoded without the dictionary. "
    "SNR: the lowest of the weights."
)
SWEEP_FOOTNOTES = (
    "Each section keeps the quality of one way of quantising: no weight of the role loses "
    "SNR. dense, plain Huffman, packed: the smallest of their kind among all ways of quantising of "
    "the sweep that keep it, everything counted. Sweet spot: the packing, where it is smaller "
    f"than both others and every weight has an SNR of {WORKING_SNR_DB} dB or more. storage: the "
    "smallest under the storage codec, the attainable size; it does not count here. Ratios are to "
    "the dense form of the section's own way of quantising."
)


def choice_title(choice: Choice, among: SweetSpot | None = None) -> str:
    """``re-indexed C=2, INT8 tensor``; codes are not named if they are those of the reference."""
    codec = form_title(choice.codec)
    chunk = "" if choice.chunk_size is None else f" C={choice.chunk_size}"
    if among is not None and choice.quantizer == among.quantizer:
        return f"{codec}{chunk}"
    return f"{codec}{chunk}, {quantizers.title(choice.quantizer, short=True)}"


def form_title(codec: str) -> str:
    """``dense``, ``plain Huffman``, ``storage codec``, ``re-indexed``."""
    titles = {"dense": "dense", "plain_huffman": "plain Huffman"}
    coded = CODERS.get(codec) or CODECS.get(codec)
    return titles[codec] if coded is None else coded.title


def header_lines(profile: Profile) -> list[str]:
    """Lines that say what was profiled, how and where; the first one names the model."""
    return [visible(line) for line in _header_lines(profile)]


def _header_lines(profile: Profile) -> Iterator[str]:
    model, host = profile.model, profile.host
    values = sum(weight.count for weight in profile.weights)
    dtypes = ", ".join(_dtype(dtype) for dtype in stored_dtypes(profile.weights))
    yield model.source
    yield (
        f"{model.architecture}, {model.format}, {byte_size(model.nbytes)} in {model.tensors} "
        f"tensors; profiled {plural(len(profile.weights), 'weight')} of {count(values)} values, "
        f"{dtypes}"
    )
    yield from _stored_floors(profile)
    if model.skipped_weights:
        skipped = plural(model.skipped_weights, "weight")
        yield f"not requested: {skipped} of {count(model.skipped_values)} values"
    if model.other_tensors:
        others = plural(model.other_tensors, "tensor")
        yield f"not matrices, or empty: {others} of {count(model.other_values)} values"
    yield f"{_how(profile)}; {host.isa}, {plural(host.threads, 'thread')}"


def _stored_floors(profile: Profile) -> Iterator[str]:
    for stored in stored_dtypes(profile.weights):
        if stored.fields is not None:
            joint = "" if stored.joint is None else f", of whole values {stored.joint:.2f}"
            yield f"entropy of {stored.dtype} as stored: by field {stored.fields:.2f}{joint} b/w"
        if stored.bits is not None and stored.storage is not None and stored.huffman is not None:
            yield _as_stored(stored, stored.bits, stored.storage, stored.huffman)


def _as_stored(stored: StoredDtype, bits: int, storage: float, huffman: float) -> str:
    return (
        f"{_dtype(stored)}, as stored: {bits} -> {storage:.2f} b/w under the storage codec, "
        f"{ratio(bits / storage)}{_above_joint(stored, storage)}; "
        f"{huffman:.2f} under Huffman of bit groups, {ratio(bits / huffman)}"
    )


def _above_joint(stored: StoredDtype, storage: float) -> str:
    """How far the storage codec, without its tables, is above the floor one line higher."""
    if stored.joint is None or stored.storage_tables is None:
        return ""
    above = storage - stored.storage_tables - stored.joint
    if above < _FAR_ABOVE:
        return ""
    return f", {above:.2f} b/w above the entropy of whole values without its tables"


def _dtype(stored: StoredDtype) -> str:
    if stored.content_dtype == stored.dtype:
        return stored.dtype
    return f"{stored.dtype} that holds only {stored.content_dtype} values"


def _how(profile: Profile) -> str:
    settings = profile.settings
    kind = ""
    if settings.symmetric is not None:
        kind = "symmetric codes, " if settings.symmetric else "asymmetric codes, "
    checked = "every stream decoded and compared" if settings.verified else "not verified"
    return f"{kind}chunks along the {settings.along}put dimension, {checked}"


def section_title(section: Section) -> tuple[str, str]:
    """``INT8, one scale per tensor`` and ``dense 8.00 b/w``."""
    total = section.total
    title = visible(quantizers.title(section.quantizer))
    return title, f"dense {total.dense:.2f} b/w{_scales(total)}"


def verdict(total: Group) -> str:
    """The effect of packing on all weights under one way of quantising."""
    said = _plain_huffman(total)
    best = total.best
    packed = (
        f"{CODECS[best.codec].title}, C={best.chunk_size}: {best.bits_per_weight:.2f} b/w, "
        f"{ratio(best.ratio)}"
    )
    if total.sweet_spot is not None:
        said = f"Sweet spot: {packed}. {said}"
    elif best.ratio > 1:
        why = f": {_too_lossy(total.snr_db)}" if total.is_packing_smallest else ""
        said = f"Smallest packing: {packed}, but no sweet spot{why}. {said}"
    else:
        larger = "it is" if total.weights == 1 else "all weights together are"
        said = f"Sweet spot: none, {larger} larger than dense in every packing. {said}"
    if best.ratio > 1 and total.expanding:
        said += f" {total.expanding} of {total.weights} weights are smallest left dense."
    return f"{said} {smallest(total)}" if total.storage is not None else said


def _too_lossy(snr_db: float | None) -> str:
    return (
        f"a model needs {WORKING_SNR_DB} dB SNR in every weight, and one has {decibels(snr_db)} dB"
    )


def smallest(total: Group) -> str:
    """``Smallest of all: storage codec, 5.31 b/w, 1.51x (floor 5.29)`` and a full stop."""
    name, size = total.smallest
    floor = f"floor {total.floor_symbol + total.scales:.2f}"
    beside = " with scales" if total.scales >= VISIBLE else ""
    gain = ratio(total.dense / size)
    return f"Smallest of all: {form_title(name)}, {size:.2f} b/w, {gain} ({floor}{beside})."


def _plain_huffman(total: Group) -> str:
    gain = ratio(total.dense / total.plain_huffman)
    size = f"{total.plain_huffman:.2f} b/w{_scales(total)}"
    return f"Plain Huffman of single codes takes {size}: {gain}."


def _scales(total: Group) -> str:
    return f", {total.scales:.2f} of it scales" if total.scales >= VISIBLE else ""


def sweep_title(spot: SweetSpot) -> str:
    """``At no lower SNR than INT8, one scale per tensor``."""
    return f"At no lower SNR than {visible(quantizers.title(spot.quantizer))}"


def smallest_of_three(spot: SweetSpot) -> str:
    """Title of the smallest of dense, plain Huffman and packed, or just ``sweet spot``."""
    if spot.sweet_spot is not None:
        return "sweet spot"
    return visible(choice_title(spot.smallest, spot))


def sweep_verdict(total: SweetSpot) -> str:
    """The sweet spot of all weights, or the form that is smaller."""
    smallest = total.smallest
    kept = "exact" if total.snr_db is None else f"at {decibels(total.snr_db)} dB"
    named = visible(choice_title(smallest, total))
    size = f"{smallest.bits_per_weight:.2f} b/w, {ratio(smallest.ratio)}"
    if total.sweet_spot is not None:
        return f"Sweet spot, {kept}: {named}: {size}.{_attainable(total)}"
    if smallest is total.packed:
        why = _too_lossy(smallest.snr_db)
        return f"Sweet spot, {kept}: none, as {why}. Smallest: {named}: {size}.{_attainable(total)}"
    packed = visible(choice_title(total.packed, total))
    return (
        f"Sweet spot, {kept}: none. Smaller is {named}: {size}; the best packing, {packed}, "
        f"takes {total.packed.bits_per_weight:.2f} b/w.{_attainable(total)}"
    )


def _attainable(total: SweetSpot) -> str:
    if total.storage is None:
        return ""
    named = visible(choice_title(total.storage, total))
    return (
        f" Attainable: {named}: {total.storage.bits_per_weight:.2f} b/w, "
        f"{ratio(total.storage.ratio)}."
    )


def plural(number: int, noun: str) -> str:
    """``1 weight``, ``2,000 weights``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def profile_headline(made: Sequence[Section]) -> str:
    """The ways of quantising that have a sweet spot."""
    if len(made) == 1:
        return verdict(made[0].total)
    spots = [_packed(section) for section in made if section.total.sweet_spot is not None]
    return f"{_counted(spots, 'in', len(made))}{_smallest(made)}"


def _smallest(made: Sequence[Section]) -> str:
    """The smallest forms and how often each is; files of earlier versions lack this."""
    if not made or any(section.total.storage is None for section in made):
        return ""
    forms = [form_title(section.total.smallest[0]) for section in made]
    listed = (f"{form} in {forms.count(form)} of {len(made)}" for form in dict.fromkeys(forms))
    return f" Smallest of all: {', '.join(listed)}."


def sweep_headline(totals: Sequence[SweetSpot]) -> str:
    """The ways of quantising at whose quality there is a sweet spot."""
    if len(totals) == 1:
        return sweep_verdict(totals[0])
    spots = [_chosen(total) for total in totals if total.sweet_spot is not None]
    return _counted(spots, "at the quality of", len(totals))


def _counted(spots: Sequence[str], where: str, ways: int) -> str:
    if not ways:
        return "No weights were profiled."
    if not spots:
        return f"Sweet spot: none {where} any of {ways} ways of quantising."
    listed = "; ".join(spots)
    return f"Sweet spot {where} {len(spots)} of {ways} ways of quantising: {listed}."


def _packed(section: Section) -> str:
    best = section.total.best
    setting = quantizers.title(section.quantizer)
    packed = f"{CODECS[best.codec].title}, C={best.chunk_size}: {ratio(best.ratio)}"
    return f"{setting} ({packed}, {_loss(section.total.snr_db)})"


def _chosen(spot: SweetSpot) -> str:
    setting = quantizers.title(spot.quantizer)
    packed = f"{choice_title(spot.packed, spot)}: {ratio(spot.packed.ratio)}"
    return f"{setting} ({packed}, {_loss(spot.packed.snr_db)})"


def _loss(snr_db: float | None) -> str:
    return "exact" if snr_db is None else f"lowest SNR {decibels(snr_db)} dB"
