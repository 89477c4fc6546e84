"""The material of claims: the weights of some models, packed once for all claims."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from meadow_py.claims.claim import MissingData

if TYPE_CHECKING:
    from meadow_py.claims.huff_llm import HuffmanRetrace, WeightsMeasured
    from meadow_py.profiler import WeightPacking
    from meadow_py.sources import Checkpoint, Weight

CHUNK_SIZES = (2, 4, 8)
_OPT_SIZES = {768: "OPT-125M", 2048: "OPT-1.3B"}  # models in MEADOW's paper, by hidden size


@dataclass(frozen=True)
class MeasuredWeight:
    """One attention weight in INT8, with one scale for the tensor.

    Attributes
    ----------
    model, name : str
    shape : (int, int)
    packings : dict of int to WeightPacking
        By chunk size.
    """

    model: str
    name: str
    shape: tuple[int, int]
    packings: dict[int, WeightPacking]

    def smallest(self, chunk: int) -> float:
        """Bits per weight of the smallest packing, with the dictionary counted."""
        bits = self.packings[chunk].bits_per_weight
        return min(bits[name] for name in ("naive", "packets", "reindexed"))

    def alone(self, chunk: int) -> float:
        """Bits per weight of fixed-width indices and scales, without the dictionary."""
        bits = self.packings[chunk].bits_per_weight
        return bits["index_only"] + bits["scales"]

    def dense(self) -> float:
        """Bits per weight of the unpacked codes."""
        return self.packings[2].bits_per_weight["dense"]


class Material:
    """The models at hand, and results computed from them that several claims share.

    Parameters
    ----------
    models : sequence of (str, Checkpoint)
    """

    def __init__(self, models: Sequence[tuple[str, Checkpoint]]) -> None:
        self.models = tuple(models)

    @property
    def names(self) -> str:
        """The names of the models as one text."""
        return ", ".join(name for name, _ in self.models)

    def stands_in_for_opt(self) -> str:
        """The weights that replace those of MEADOW's paper; empty if all models are its own.

        Returns
        -------
        str
        """
        foreign = [name for name, one in self.models if _opt_name(one) is None]
        return f"weights of {', '.join(foreign)} for those of OPT-125M" if foreign else ""

    def opt_125m(self) -> Checkpoint:
        """OPT-125M itself.

        Raises
        ------
        MissingData
            If it is not among the models.
        """
        for _, one in self.models:
            if _opt_name(one) == "OPT-125M":
                return one
        raise MissingData("the weights of facebook/opt-125m: --model facebook/opt-125m")

    @functools.cached_property
    def attention(self) -> tuple[MeasuredWeight, ...]:
        """All attention weights, packed and decoded again, at every chunk size.

        Raises
        ------
        MissingData
            If no model has any.
        """
        found = tuple(one for named in self.models for one in _packed(*named))
        if not found:
            raise MissingData("a model with attention weights: --model facebook/opt-125m")
        return found

    def attention_of_opt_size(self) -> tuple[MeasuredWeight, ...]:
        """The attention weights of at least 768 x 768, the size in OPT-125M.

        Raises
        ------
        MissingData
            If there are none. Smaller weights do not do, because fewer of their chunks repeat.
        """
        found = tuple(one for one in self.attention if one.shape[0] * one.shape[1] >= 768 * 768)
        if not found:
            raise MissingData("attention weights of 768 x 768 or larger: --model facebook/opt-125m")
        return found

    @functools.cached_property
    def bf16(self) -> tuple[WeightsMeasured, ...]:
        """The attention weights of every model in BF16, Huffman-coded field by field."""
        return tuple(_measured(name, one, "BF16") for name, one in self.models)

    @functools.cached_property
    def f16(self) -> tuple[WeightsMeasured, ...]:
        """The same in F16."""
        return tuple(_measured(name, one, "F16") for name, one in self.models)

    @functools.cached_property
    def huff_llm(self) -> HuffmanRetrace:
        """Huff-LLM's hardware under all assumptions, with the codes of `bf16`."""
        from meadow_py.claims.huff_llm import retrace_huffman

        return retrace_huffman(self.bf16, models=["llama-3.2-3b"])


def _opt_name(one: Checkpoint) -> str | None:
    known = one.architecture
    if known.family != "opt" or known.dimensions is None:
        return None
    return _OPT_SIZES.get(known.dimensions.hidden or 0)


def _packed(model: str, one: Checkpoint) -> Iterator[MeasuredWeight]:
    from meadow_py.profiler import profile

    if not any(_is_attention(weight) for weight in one.weights):
        return
    made = profile(
        one,
        bits=8,
        granularity="tensor",
        chunk_sizes=CHUNK_SIZES,
        roles=["attention"],
        progress=False,
    )
    for weight in made.weights:
        by_size = {packing.chunk_size: packing for packing in weight.packings}
        yield MeasuredWeight(model, weight.name, weight.shape, by_size)


def _is_attention(weight: Weight) -> bool:
    return weight.role.startswith("attention")


def _measured(name: str, one: Checkpoint, dtype: str) -> WeightsMeasured:
    from meadow_py.claims.huff_llm import WeightsMeasured
    from meadow_py.simulator.huffman_hardware import GROUPS, weight_code

    chosen = [weight for weight in one.weights if _is_attention(weight)]
    if not chosen:
        raise MissingData("a model with attention weights: --model facebook/opt-125m")
    narrow: Any = ml_dtypes.bfloat16 if dtype == "BF16" else np.float16
    inputs = chosen[0].shape[1]
    rows = [np.asarray(weight.array(), np.float32) for weight in chosen]
    matrix = np.concatenate([values for values in rows if values.shape[1] == inputs])
    words: npt.NDArray[np.uint16] = matrix.astype(narrow).view(np.uint16)
    return WeightsMeasured(name, dtype, weight_code(words, GROUPS[dtype]), words)


def model_name(model: Any) -> str:
    """The name of a model in rows: the last part of its path or hub id."""
    return Path(model).name if isinstance(model, str | Path) else str(type(model).__name__)
