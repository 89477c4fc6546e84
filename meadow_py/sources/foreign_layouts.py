"""Weights that other libraries have quantised and packed, recognised by names, dtypes and shapes.

The tensors that store such a weight are codes, scales and the like: taken for weights, they would
give wrong figures. A reader of their values finds the layout, and the tensors of it, in a
`ForeignWeight`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meadow_py.errors import FormatError
from meadow_py.sources.strict_json import parse_object
from meadow_py.sources.tensor import Tensor
from meadow_py.spelling import shortened

_log = logging.getLogger(__name__)

_CONFIG_KEYS = ("quantization_config", "compression_config")
_OURS = "meadow"
_F8 = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
_LONGEST_JSON = 1 << 16  # bytes of what bitsandbytes says about a weight


@dataclass(frozen=True)
class ForeignWeight:
    """One weight as another library stores it.

    Attributes
    ----------
    name : str
        The name of the weight before it was quantised.
    layout : str
        A key of the layout: ``gptq``, ``awq``, ``bnb-4bit``, ...
    stored : str
        The library and the format, as a message says it.
    shape : tuple of int or None
        The shape of the weight, if the file tells it.
    tensors : tuple of str
        The names of the tensors that store it, its codes first.
    exact : bool
        Whether the codes are one whole number for each value and the profile of their bytes needs
        no scales, so that they can be counted as they are stored.
    """

    name: str
    layout: str
    stored: str
    shape: tuple[int, ...] | None
    tensors: tuple[str, ...]
    exact: bool = False


class _Parts:
    """The tensors whose names begin with the name of one weight or its module."""

    def __init__(self, base: str, tensors: Mapping[str, Tensor], method: str) -> None:
        self.base = base
        self.method = method
        self._tensors = tensors
        self.used: list[str] = []

    def __call__(self, *suffixes: str) -> Tensor | None:
        """The first of the tensors with these endings that is there."""
        for suffix in suffixes:
            found = self._tensors.get(self.base + suffix)
            if found is not None:
                if found.name not in self.used:
                    self.used.append(found.name)
                return found
        return None

    def made(
        self, layout: str, stored: str, shape: tuple[int, ...] | None, exact: bool = False
    ) -> ForeignWeight:
        base = self.base
        name = base if base.endswith("weight") or layout == "mxfp4" else f"{base}.weight"
        return ForeignWeight(name, layout, stored, shape, tuple(self.used), exact)


def foreign_weights(
    tensors: Mapping[str, Tensor], config: Mapping[str, Any] | None
) -> list[ForeignWeight]:
    """The weights that another library has packed, in the order of the tensors.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        All stored tensors by name.
    config : mapping or None
        The content of ``config.json``; its ``quantization_config`` names the library where the
        tensors alone do not.

    Returns
    -------
    list of ForeignWeight
    """
    method = _method(config)
    recognised = (_recognised(name, tensors, method) for name in tensors)
    found = list({weight.tensors[0]: weight for weight in recognised if weight}.values())
    known = {part for weight in found for part in weight.tensors}
    if method not in ("", _OURS):
        found += [
            ForeignWeight(name, method, f"with quant_method {shortened(method)!r}", None, (name,))
            for name, tensor in tensors.items()
            if name not in known and _is_packed_matrix(tensor)
        ]
    return found


def _method(config: Mapping[str, Any] | None) -> str:
    for key in _CONFIG_KEYS:
        settings = (config or {}).get(key)
        method = settings.get("quant_method") if isinstance(settings, Mapping) else None
        if isinstance(method, str):
            return method.lower()
    return ""


def _is_packed_matrix(tensor: Tensor) -> bool:
    """Whether a tensor may hold the codes of a weight in a layout that is unknown here."""
    if "position_ids" in tensor.name or tensor.name.endswith((".bias", ".attn.masked_bias")):
        return False
    return len(tensor.shape) > 1 and tensor.dtype in ("U8", "I8", "I16", "U16", "I32", "U32", "F4")


def _recognised(name: str, tensors: Mapping[str, Tensor], method: str) -> ForeignWeight | None:
    for ending, recognise in _LAYOUTS.items():
        if name.endswith(ending) and len(name) > len(ending):
            found = recognise(_Parts(name.removesuffix(ending), tensors, method))
            if found is not None:
                return found
    return _scaled(name, tensors, method)


def _gptq_or_awq(part: _Parts) -> ForeignWeight | None:
    """``qweight`` of 32-bit words: along the inputs in GPTQ's layout, the outputs in AWQ's."""
    codes, scales = part(".qweight"), part(".scales")
    zeros = part(".qzeros")
    part(".g_idx")
    if codes is None or scales is None or len(codes.shape) != 2 or len(scales.shape) != 2:
        return None
    groups, outputs = scales.shape
    if part.method == "awq" or codes.shape[1] != outputs:
        bits, rest = divmod(32 * codes.shape[1], max(1, outputs))
        library, layout, inputs = "AWQ", "awq", codes.shape[0]
        if rest or not 1 < bits <= 8:
            return part.made("awq", "by AWQ", None)
    else:
        width = 32 * zeros.shape[-1] // max(1, outputs) if zeros is not None else 4
        bits = max(1, width)
        library, layout, inputs = "GPTQ", "gptq", codes.shape[0] * 32 // bits
    said = f"by {library} with {bits} bits and {_a_scale(inputs, groups)}"
    return part.made(layout, said, (outputs, inputs))


def _a_scale(values: int, scales: int) -> str:
    return f"a scale for every {values // max(1, scales)} values"


def _bnb_4bit(kind: str) -> Callable[[_Parts], ForeignWeight | None]:
    """Two codes in a byte, and a tensor of JSON that says how."""

    def recognise(part: _Parts) -> ForeignWeight | None:
        codes = part("")
        about = part(f".quant_state.bitsandbytes__{kind}")
        for beside in (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"):
            part(beside)
        if codes is None or about is None:
            return None
        block, shape = _bnb_settings(about)
        each = f"a scale for every {block} values" if block else "scales"
        return part.made("bnb-4bit", f"by bitsandbytes as {kind.upper()} with {each}", shape)

    return recognise


def _bnb_4bit_alone(part: _Parts) -> ForeignWeight | None:
    """The same without the tensor of JSON, as written at first."""
    told = part(*(f".quant_state.bitsandbytes__{kind}" for kind in ("nf4", "fp4")))
    codes, values, scales = part(""), part(".quant_map"), part(".absmax")
    if told is not None or codes is None or values is None or scales is None:
        return None
    return part.made("bnb-4bit", "by bitsandbytes with 4 bits", None)


def _bnb_settings(about: Tensor) -> tuple[int | None, tuple[int, ...] | None]:
    """The values of a block and the shape of a weight; None for what is not told."""
    if about.nbytes > _LONGEST_JSON:
        return None, None
    try:
        told = parse_object(about.raw().tobytes(), about.name)
    except FormatError:
        return None, None
    block, shape = told.get("blocksize"), told.get("shape")
    sizes = isinstance(shape, list) and all(type(size) is int and size > 0 for size in shape)
    return block if type(block) is int else None, tuple(shape) if sizes and shape else None


def _bnb_8bit(part: _Parts) -> ForeignWeight | None:
    codes, scales = part(".weight"), part(".SCB")
    part(".weight_format")
    if codes is None or scales is None or codes.dtype != "I8":
        return None
    return part.made(
        "bnb-8bit", "by bitsandbytes as INT8 with a scale a row", codes.shape, exact=True
    )


def _compressed_tensors(part: _Parts) -> ForeignWeight | None:
    codes, scales = part(".weight_packed"), part(".weight_scale", ".scale_packed")
    told = part(".weight_shape")
    small = part(".weight_global_scale")
    for beside in (".weight_zero_point", ".weight_g_idx", ".input_global_scale", ".meta"):
        part(beside)
    if codes is None or scales is None:
        return None
    if codes.dtype in ("U8", "F4"):
        shape = (*codes.shape[:-1], 2 * codes.shape[-1])
        kind = "MXFP4" if small is None else "NVFP4"
        each = _a_scale(math.prod(shape), math.prod(scales.shape))
        return part.made(kind.lower(), f"by compressed-tensors as {kind} with {each}", shape)
    if told is None or told.dtype not in ("I64", "I32") or len(codes.shape) != 2:
        return part.made("compressed-tensors", "by compressed-tensors", None)
    sizes = tuple(int(size) for size in told.array().reshape(-1)[:4])
    if len(sizes) != 2 or min(sizes) < 1:
        return part.made("compressed-tensors", "by compressed-tensors", None)
    bits = 32 // max(1, sizes[1] // max(1, codes.shape[1]))  # words hold whole codes
    each = _a_scale(math.prod(sizes), math.prod(scales.shape))
    said = f"by compressed-tensors with {bits} bits and {each}"
    return part.made("compressed-tensors", said, sizes)


def _mxfp4_blocks(part: _Parts) -> ForeignWeight | None:
    """``NAME_blocks`` of two codes in a byte, ``NAME_scales`` of exponents: experts of GPT-OSS."""
    codes, scales = part("_blocks"), part("_scales")
    if codes is None or scales is None or {codes.dtype, scales.dtype} != {"U8"}:
        return None
    if codes.shape[:-1] != scales.shape:
        return None
    values = 2 * codes.shape[-1]
    shape = (*scales.shape[:-1], scales.shape[-1] * values)
    return part.made("mxfp4", f"as MXFP4 with a scale for every {values} values", shape)


def _named(layout: str, library: str, *needed: str) -> Callable[[_Parts], ForeignWeight | None]:
    """A layout that is recognised by the names of its tensors alone."""

    def recognise(part: _Parts) -> ForeignWeight | None:
        if not all(part(suffix) is not None for suffix in needed):
            return None
        return part.made(layout, library, None)

    return recognise


# Ending of the name of the codes, or of a tensor that only this layout has -> recogniser. Their
# sources: the documentation and files of each library.
_LAYOUTS: dict[str, Callable[[_Parts], ForeignWeight | None]] = {
    ".qweight": _gptq_or_awq,
    ".quant_state.bitsandbytes__nf4": _bnb_4bit("nf4"),
    ".quant_state.bitsandbytes__fp4": _bnb_4bit("fp4"),
    ".quant_map": _bnb_4bit_alone,
    ".SCB": _bnb_8bit,
    ".weight_packed": _compressed_tensors,
    ".weight.bitmask": _named(
        "sparse", "by compressed-tensors as sparse", ".weight.compressed", ".weight.bitmask"
    ),
    "_blocks": _mxfp4_blocks,
    "._weight_qdata": _named("torchao", "by torchao", "._weight_qdata", "._weight_scale"),
    ":qdata": _named("torchao", "by torchao", ":qdata"),
    "._data": _named("quanto", "by quanto", "._data", "._scale"),
    ".W_q": _named("hqq", "by HQQ", ".W_q"),
    ".q_weight": _named("exl2", "by EXL2", ".q_weight", ".q_scale"),
    ".codebooks": _named("aqlm", "by AQLM", ".codes", ".codebooks"),
    ".Qidxs": _named("quip", "by QuIP#", ".Qidxs"),
}


def _scaled(name: str, tensors: Mapping[str, Tensor], method: str) -> ForeignWeight | None:
    """Codes of one byte, or two in a byte, under the name of the weight, with scales beside it."""
    codes = tensors[name]
    if codes.dtype not in (*_F8, "I8", "U8", "F4") or len(codes.shape) < 2:
        return None
    part = _Parts(name, tensors, method)
    part("")
    scales = part("_scale", "_scale_inv")
    if scales is None and name.endswith(".weight"):
        beside = _Parts(name.removesuffix("weight"), tensors, method)
        scales = beside("scale", "qscale_weight")
        part.used += beside.used
    if scales is None:
        return None
    small = part("_scale_2", "_global_scale")
    count = math.prod(scales.shape)
    if codes.dtype in _F8:
        return _fp8(part, codes, count)
    if codes.dtype == "I8":
        said = f"as INT8 with {_a_scale(math.prod(codes.shape), count)}"
        return part.made("int8", said, codes.shape, exact=True)
    kind = "NVFP4" if small is not None or scales.dtype in _F8 else "MXFP4"
    per_byte = 1 if codes.dtype == "F4" else 2
    shape = (*codes.shape[:-1], per_byte * codes.shape[-1])
    said = f"as {kind} with {_a_scale(math.prod(shape), count)}"
    return part.made(kind.lower(), said, shape)


def _fp8(part: _Parts, codes: Tensor, count: int) -> ForeignWeight:
    values = math.prod(codes.shape)
    each = "one scale" if count == 1 else _a_scale(values, count)
    # One scale for all values changes neither codes nor signal-to-noise ratios of a quantiser.
    return part.made("fp8", f"as FP8 ({codes.dtype}) with {each}", codes.shape, exact=count == 1)


def refuse_foreign(source: str, found: list[ForeignWeight], exact: bool) -> None:
    """Refuse weights whose values are codes of another library; name those that are counted.

    Parameters
    ----------
    exact : bool
        Whether weights are accepted whose codes can be counted as they are stored.

    Raises
    ------
    ValueError
        If there are others.
    """
    refused = [weight for weight in found if not (exact and weight.exact)]
    if refused:
        raise ValueError(
            f"{source}: {_listed(refused)}: these are codes, whose values are not read here. Open "
            "the model that they were made from; meadow pack packs this one losslessly as it is"
        )
    if found:
        _log.warning("%s: %s: counted as the codes that are stored", source, _listed(found))


def _listed(found: list[ForeignWeight]) -> str:
    """``224 weights are stored by GPTQ with 4 bits (the first is ...)``."""
    kinds: dict[str, list[ForeignWeight]] = {}
    for weight in found:
        kinds.setdefault(weight.stored, []).append(weight)
    said = []
    for stored, weights in list(kinds.items())[:3]:
        number = f"{len(weights)} weights are" if len(weights) > 1 else "1 weight is"
        said.append(f"{number} stored {stored} (the first is {shortened(weights[0].name)!r})")
    more = f"; and {len(kinds) - 3} more kinds" if len(kinds) > 3 else ""
    return "; ".join(said) + more
