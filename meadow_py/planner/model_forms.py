"""Sizes of the weights: at a precision, as a profile packed them, or as a file stores them."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meadow_py.workload import ModelShape, Precision

if TYPE_CHECKING:
    from meadow_py.profiler import Profile, WeightPacking, WeightProfile


PRECISIONS = ("w16a16", "w8a8", "w4.5a8kv16")
_ACTIVATIONS = ((32, 24), (16, 12), (8, 0))  # (bits of activations, if weights exceed these bits)
_DENSE, _STORAGE = "dense", "storage"
_MOST_SURPLUS = 0.05  # of the weights: position embeddings, and matrices that no pass reads


@dataclass(frozen=True)
class ModelForm:
    """All weights of a model, in one precision and one packing.

    Attributes
    ----------
    precision : Precision
    packing : str
        ``dense``, a codec, or ``as stored``.
    stored_bytes : float
        Bytes of all weights as they are held while the model runs.
    read_bytes : float
        Bytes of the weights that each token reads: all but an embedding that is not also the head.
    file_bytes : float
        Bytes of all weights in storage. With the storage codec this is less than `stored_bytes`,
        because weights are decoded when they are loaded.
    source : str
        ``nominal``: bits times weights; ``profile``: measured, tables and headers counted;
        ``given``: the size of a file.
    """

    precision: Precision
    packing: str
    stored_bytes: float
    read_bytes: float
    file_bytes: float
    source: str


def stored_weights(shape: ModelShape) -> int:
    """Number of weights in all matrices; biases, norms and position embeddings do not count."""
    untied = 0 if shape.tied else shape.head_weights
    patches = shape.patch_values * shape.hidden
    return shape.decoder_weights + shape.embedding_weights + untied + patches


def read_weights(shape: ModelShape) -> int:
    """Number of weights that each token reads: those of every block and of the head."""
    return shape.decoder_weights + shape.head_weights


def nominal(shape: ModelShape, precision: Precision) -> ModelForm:
    """Dense weights at the bits of `precision`."""
    share = precision.weight_bits / 8
    stored, read = stored_weights(shape) * share, read_weights(shape) * share
    return ModelForm(precision, _DENSE, stored, min(read, stored), stored, "nominal")


def given(shape: ModelShape, precision: Precision, nbytes: float) -> ModelForm:
    """Weights of which only the total size, `nbytes`, is known."""
    share = min(read_weights(shape) / stored_weights(shape), 1.0)
    return ModelForm(precision, "as stored", nbytes, nbytes * share, nbytes, "given")


def as_stored(model: Any, shape: ModelShape) -> ModelForm | None:
    """The weights as a file or folder stores them; None if there are none.

    Their precision is the stored bits divided by the count of numbers. At 12 bits or fewer,
    products are assumed to use INT8; the KV cache is assumed to have 16 bits, as in llama.cpp.
    """
    from meadow_py.dispatch import open_checkpoint
    from meadow_py.sources import Checkpoint

    if isinstance(model, str | os.PathLike):
        path = Path(model).expanduser()
        if not path.exists() or path.suffix == ".json":
            return None
        try:
            model = open_checkpoint(model)
        except FileNotFoundError:  # a configuration alone
            return None
    if not isinstance(model, Checkpoint):
        return None
    numbers = sum(math.prod(tensor.shape) for tensor in model.tensors.values())
    bits = min(max(8 * model.nbytes / max(numbers, 1), 1), 64)
    wide = next(width for width, above in _ACTIVATIONS if bits > above)
    return given(shape, Precision(round(bits, 2), wide, 16), model.nbytes)


def surplus(shape: ModelShape, profile: Profile) -> int:
    """Number of weights of a profile beyond those that a shape counts, such as positions."""
    return max(sum(weight.count for weight in profile.weights) - stored_weights(shape), 0)


def of_profile(
    shape: ModelShape, profile: Profile, activation_bits: float | None
) -> list[ModelForm]:
    """Dense and packed sizes of a profile, one form for each quantiser and codec.

    The chunk size is the one that makes the whole model smallest. Weights that the profile leaves
    out are assumed to be dense. Those that it holds beyond the shape's are counted, too; see
    `surplus`.

    Raises
    ------
    ValueError
        If the profile has over 5 % more weights than the model.
    """
    if surplus(shape, profile) > stored_weights(shape) * _MOST_SURPLUS:
        counted = sum(weight.count for weight in profile.weights)
        raise ValueError(
            f"profile: it must be of {shape.name}, which has {stored_weights(shape)} weights, "
            f"not of a model with {counted}"
        )
    best: dict[tuple[str, str], ModelForm] = {}
    for key, form in _forms(shape, profile, activation_bits):
        if key not in best or form.file_bytes < best[key].file_bytes:
            best[key] = form
    return [_decoded_when_loaded(key, form, best) for key, form in best.items()]


def _decoded_when_loaded(
    key: tuple[str, str], form: ModelForm, forms: dict[tuple[str, str], ModelForm]
) -> ModelForm:
    """The form with dense sizes in memory if its codec is the storage codec, else unchanged."""
    quantizer, codec = key
    dense = forms.get((quantizer, _DENSE))
    if codec != _STORAGE or dense is None:
        return form
    return replace(form, stored_bytes=dense.stored_bytes, read_bytes=dense.read_bytes)


def _forms(
    shape: ModelShape, profile: Profile, activation_bits: float | None
) -> Iterator[tuple[tuple[str, str], ModelForm]]:
    from meadow_py.codecs import CODECS, CODERS  # a plan without a profile needs no codec

    packings = {_setting(packing): packing for w in profile.weights for packing in w.packings}
    labels = _labels(packings.values())
    for (quantizer, chunk_size), packing in packings.items():
        activations = activation_bits or max(packing.bits, 8)
        precision = Precision(packing.bits, activations, activations)
        chosen = [(w, _chosen(w, (quantizer, chunk_size))) for w in profile.weights]
        for codec in (_DENSE, *CODECS, *CODERS):
            sizes = [(w, None if p is None else p.bits_per_weight.get(codec)) for w, p in chosen]
            form = _form(shape, precision, f"{codec}, {labels[quantizer]}", sizes)
            if form is not None:
                yield (quantizer, codec), form


def _labels(packings: Iterable[WeightPacking]) -> dict[str, str]:
    """Labels by quantiser key: the granularity if it is unique at those bits, else the key."""
    about = {p.quantizer: (p.bits, p.granularity) for p in packings}
    alike = Counter(about.values())
    return {
        key: granularity if granularity is not None and alike[bits, granularity] == 1 else key
        for key, (bits, granularity) in about.items()
    }


def _setting(packing: WeightPacking) -> tuple[str, int]:
    return packing.quantizer, packing.chunk_size


def _chosen(weight: WeightProfile, key: tuple[str, int]) -> WeightPacking | None:
    return next((p for p in weight.packings if _setting(p) == key), None)


def _form(
    shape: ModelShape,
    precision: Precision,
    packing: str,
    sizes: list[tuple[WeightProfile, float | None]],
) -> ModelForm | None:
    """The form with these sizes; None if the profile lacks the codec for any weight."""
    stored = read = 0.0
    counted = counted_read = 0
    for weight, bits in sizes:
        if bits is None:
            return None
        stored += weight.count * bits / 8
        counted += weight.count
        if weight.role != "embedding" or shape.tied:
            read += weight.count * bits / 8
            counted_read += weight.count
    dense = precision.weight_bits / 8
    stored += max(stored_weights(shape) - counted, 0) * dense
    read += max(read_weights(shape) - counted_read, 0) * dense
    return ModelForm(precision, packing, stored, min(read, stored), stored, "profile")
